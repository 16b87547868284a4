// Executes the operations of multipart uploads, with S3's checks. Thread-safe.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html#API_CompleteMultipartUpload_Errors
#pragma once

#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"
#include "s3/endpoint/storage/uploads.h"

namespace s3::endpoint {

// True for the operations below.
bool IsMultipart(std::string_view operation);

// Returns the refusal of an UploadPart whose target or headers are wrong; call it before reading the body.
std::optional<Reply> CheckUploadPart(const Uploads& uploads, const Call& call);
// Returns the name of the checksum header that the part's upload was created with; empty for none.
std::string ChecksumOfUpload(const Uploads& uploads, const Call& call);

Reply CreateMultipartUpload(Uploads* uploads, const Call& call);
Reply UploadPart(Uploads* uploads, const Call& call, ReceivedBody body);
Reply CompleteMultipartUpload(Uploads* uploads, Store* store, const Call& call, const std::string& xml,
                              const ServerOptions& options);
Reply AbortMultipartUpload(Uploads* uploads, const Call& call);
Reply ListParts(const Uploads& uploads, const Call& call);
Reply ListMultipartUploads(const Uploads& uploads, const Call& call);

// Converts a Tagging document to the value of x-amz-tagging; returns nothing if it is not such a document.
std::optional<std::string> ParseTaggingXml(const std::string& xml);

}  // namespace s3::endpoint
