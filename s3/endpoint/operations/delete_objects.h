// DeleteObjects. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
#pragma once

#include <optional>
#include <string>

#include "s3/endpoint/call.h"
#include "s3/endpoint/storage/store.h"

namespace s3::endpoint {

// Returns the refusal of a request without Content-MD5 and without a checksum, which S3 wants for this
// operation. BodyReceiver compares the values with the body.
std::optional<Reply> CheckDeleteObjects(const Call& call);

// Deletes the objects that the document names, at most 1,000. A key that does not exist counts as deleted.
Reply DeleteObjects(Store* store, const Call& call, const std::string& xml);

}  // namespace s3::endpoint
