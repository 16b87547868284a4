// Aborts the multipart uploads that a run has left in the store, found by its journal. Touches no uploads of
// others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/journal/history.h"
#include "pipeline/journal/journal.h"
#include "s3/client/client.h"

namespace pipeline {

struct OrphanedUploads {
  std::uint64_t aborted = 0;          // without a journal: those that would be aborted
  std::uint64_t gone = 0;             // completed or aborted before
  std::vector<std::string> problems;  // for the user; such uploads are still in the store
};

// Aborts each open upload of `history`, repeating until ListParts confirms that it is gone, and records that
// in `journal`. Also aborts uploads of unknown ID, which a CreateMultipartUpload without a response may have
// made. Such an upload has exactly that key, no part, and was initiated within minutes of the request by the
// store's clock, which is `clock_offset` ahead of ours. `journal`: null to look only; then no request is sent
// that changes anything. Blocks: the client must wait in a BlockingWaiter.
OrphanedUploads AbortOrphanedUploads(s3::Client* client, std::chrono::seconds clock_offset, History* history,
                                     Journal* journal);

}  // namespace pipeline
