// CopyObject. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
#pragma once

#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"
#include "s3/endpoint/storage/store.h"

namespace s3::endpoint {

// Copies the bytes in the calling thread. The copy has the MD5 of its bytes as ETag, even if its source was
// uploaded in parts.
Reply CopyObject(Store* store, const Call& call, const ServerOptions& options);

}  // namespace s3::endpoint
