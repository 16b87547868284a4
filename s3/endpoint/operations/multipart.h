// Executes the operations of multipart uploads, with S3's checks. Thread-safe.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html#API_CompleteMultipartUpload_Errors
#pragma once

#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"
#include "s3/endpoint/storage/uploads.h"

namespace s3::endpoint {

// Returns true if this file executes the operation (an S3 name, "UploadPart").
bool IsMultipart(std::string_view operation);

// Returns the refusal of an UploadPart whose target or headers are wrong; call it before reading the body.
std::optional<Reply> CheckUploadPart(const Uploads& uploads, const Call& call);
// Returns the name of the checksum header for which the part's upload was created; empty for none.
std::string ChecksumOfUpload(const Uploads& uploads, const Call& call);

Reply CreateMultipartUpload(Uploads* uploads, const Call& call);
Reply UploadPart(Uploads* uploads, const Call& call, ReceivedBody body);
Reply CompleteMultipartUpload(Uploads* uploads, Store* store, const Call& call, const std::string& xml,
                              const ServerOptions& options);
Reply AbortMultipartUpload(Uploads* uploads, const Call& call);
Reply ListParts(const Uploads& uploads, const Call& call);
Reply ListMultipartUploads(const Uploads& uploads, const Call& call);

// Converts an S3 Tagging document to a value of x-amz-tagging; returns nothing if the XML is no such
// document.
std::optional<std::string> ParseTaggingXml(const std::string& xml);

}  // namespace s3::endpoint
