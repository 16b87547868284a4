// Aborts the multipart uploads that a run has left in the store. Finds them by the run's journal. Does not
// touch uploads of other runs or programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/journal/history.h"
#include "pipeline/journal/journal.h"
#include "s3/client/client.h"

namespace pipeline {

struct OrphanedUploads {
  std::uint64_t aborted = 0;  // with a null journal: uploads that would be aborted
  std::uint64_t gone = 0;     // no longer in the store: completed or aborted earlier
  // Messages for the user: about uploads that may still be in the store, or about a failed write to the
  // journal.
  std::vector<std::string> problems;
};

// Aborts each open upload of `history`, repeating until ListParts confirms that the upload is gone. Then
// records in `journal` that it is gone. Also aborts uploads of unknown ID, which a CreateMultipartUpload
// without a response may have created. Such an upload has exactly the key of the request and no parts, and
// was initiated within minutes of the request. `clock_offset`: how far the store's clock is ahead of this
// machine's clock. With a null `journal`, the function only counts the uploads and changes nothing in the
// store. Blocks: the client must wait in a BlockingWaiter.
OrphanedUploads AbortOrphanedUploads(s3::Client* client, std::chrono::seconds clock_offset, History* history,
                                     Journal* journal);

}  // namespace pipeline
