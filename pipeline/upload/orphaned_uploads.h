// Multipart uploads that a run has left in the store: found by its journal, ended one by one. Nobody else's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/journal/history.h"
#include "pipeline/journal/journal.h"
#include "s3/client/client.h"

namespace pipeline {

struct OrphanedUploads {
  std::uint64_t aborted = 0;  // or, when only looking, to be aborted
  std::uint64_t gone = 0;     // completed or aborted before
  std::vector<std::string> problems;
};

// Aborts the open uploads of `history` until ListParts says that they are gone, and tells `journal`. A
// CreateMultipartUpload whose answer nobody got may have made an upload whose ID nobody knows: such is one
// of exactly that key, initiated in the minutes after it by the store's clock, `clock_offset` ahead of ours,
// and without any part. `journal`: null to look only, which sends no request that changes anything. Blocks:
// the client waits in a BlockingWaiter.
OrphanedUploads AbortOrphanedUploads(s3::Client* client, std::chrono::seconds clock_offset, History* history,
                                     Journal* journal);

}  // namespace pipeline
