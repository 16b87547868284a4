// The operations of multipart uploads, with the checks that S3 makes. Thread-safe.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html#API_CompleteMultipartUpload_Errors
#pragma once

#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"
#include "s3/endpoint/storage/uploads.h"

namespace s3::endpoint {

// True for the operations below.
bool IsMultipart(std::string_view operation);

// An UploadPart's refusal that can be told from its headers.
std::optional<Reply> CheckUploadPart(const Uploads& uploads, const Call& call);
// The header of the checksum that the upload of this part was created with; empty for none.
std::string ChecksumOfUpload(const Uploads& uploads, const Call& call);

Reply CreateMultipartUpload(Uploads* uploads, const Call& call);
Reply UploadPart(Uploads* uploads, const Call& call, ReceivedBody body);
Reply CompleteMultipartUpload(Uploads* uploads, Store* store, const Call& call, const std::string& xml,
                              const ServerOptions& options);
Reply AbortMultipartUpload(Uploads* uploads, const Call& call);
Reply ListParts(const Uploads& uploads, const Call& call);
Reply ListMultipartUploads(const Uploads& uploads, const Call& call);

// The value of x-amz-tagging that a Tagging document stands for; nothing when it is none.
std::optional<std::string> ParseTaggingXml(const std::string& xml);

}  // namespace s3::endpoint
