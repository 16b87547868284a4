// The manifest of a shard: the inputs that the plan's walk found for it, one checksummed line each (see
// pipeline/journal/checksummed_line.h). A shard's run reads it instead of walking.
//
//   file     path, key, size, mtime_ns; relative_at (see InputFile); `follow` if the path may be a symbolic
//            link; drop_cache, direct, keep_atime and change_check if they are not the defaults. A range of
//            parts also has token, upload_id, part_size, first_part and last_part.
//   settled  path, key and outcome of an entry that is not a file to upload, with the walk's reason or error
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
std::string ManifestLine(const ObjectResult& result);
std::string ManifestLine(const Input& input);

// Parses a line without its newline. Fails with kLocal if it is not a line of a manifest.
s3::Result<Input> ReadManifestLine(std::string_view line);

// Passes each input of the shard to `take`. Stops and returns false when `take` returns false; returns true
// after the last input. Fails with kLocal if the file cannot be read or a line is damaged. The message about
// a damaged line has the line's number.
s3::Result<bool> ReadManifest(const OwnDir& plan_dir, int shard, const std::function<bool(Input)>& take);

// Fails unless the manifest has `inputs` lines and all are intact. Reads the file without parsing it.
s3::Result<void> CheckManifest(const OwnDir& plan_dir, int shard, std::uint64_t inputs);

// Returns a Finder of the manifest's inputs. The Finder throws std::runtime_error if the file was damaged
// after CheckManifest.
Finder FinderOfManifest(OwnDir plan_dir, int shard);

}  // namespace pipeline
