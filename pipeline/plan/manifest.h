// The inputs of one shard of a plan, a sealed line each: what a walk has found, to be taken by a run later.
//
//   file    path, key, size, mtime_ns, relative_at, and follow when the path may be a symbolic link,
//   drop_cache, direct and
//           keep_atime when it is to be read so; with
//           token, upload_id, part_size, first_part and last_part when only those parts are meant
//   settled path, key and an outcome: what the walk had to say about an entry that is no file to upload
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "pipeline/fs/own_dir.h"
#include "pipeline/message.h"
#include "pipeline/source/walkers.h"
#include "s3/base/result.h"

namespace pipeline {

std::string ManifestLine(const InputFile& file);
std::string ManifestLine(const ObjectResult& settled);
std::string ManifestLine(const Input& input);

// kLocal for what is no such line. `line` is without its newline.
s3::Result<Input> ReadManifestLine(std::string_view line);

// Gives each input of the shard to `take`, until that returns false. False then; kLocal, naming the line, for
// a file that cannot be read or is damaged.
s3::Result<bool> ReadManifest(const OwnDir& plan_dir, int shard, const std::function<bool(Input)>& take);

// Whether the shard's is whole: intact lines, as many as `inputs`. Costs a read, and no parsing.
s3::Result<void> CheckManifest(const OwnDir& plan_dir, int shard, std::uint64_t inputs);

// Yields what is in it. Throws std::runtime_error when it was damaged since CheckManifest.
Finder FinderOfManifest(OwnDir plan_dir, int shard);

}  // namespace pipeline
