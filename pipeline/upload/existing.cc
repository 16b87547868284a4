#include "pipeline/upload/existing.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "s3/api/etag.h"
#include "s3/api/requests.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

s3::Result<s3::ObjectList> ListPage(s3::Client* client, std::string_view prefix,
                                    const std::string& continuation) {
  const auto build = [&](const s3::BucketAddress& bucket) {
    return s3::BuildListObjects(bucket, prefix, continuation);
  };
  const auto check = [](const s3::Response& response) -> std::optional<s3::Error> {
    if (s3::ParseObjectList(response.body)) return std::nullopt;
    return s3::Error{.kind = s3::ErrorKind::kTransient,
                     .message = "the response to ListObjectsV2 is truncated or malformed"};
  };
  const auto page = client->Execute({.build = build, .check = check}, [](const s3::RetryEvent&) {});
  if (!page.response) return tl::unexpected(page.response.error());
  return s3::ParseObjectList(page.response->body).value();
}

}  // namespace

std::optional<Md5ETag> ParseMd5ETag(std::string_view etag) {
  etag = s3::OpaqueTag(etag);
  const auto md5 = etag.size() < 32 ? std::nullopt : s3::HexDecode(etag.substr(0, 32));
  if (!md5) return std::nullopt;
  Md5ETag parsed;
  std::memcpy(parsed.md5.data(), md5->data(), parsed.md5.size());
  if (etag.size() == 32) return parsed;
  const auto* end = etag.data() + etag.size();
  const auto [rest, error] = std::from_chars(etag.data() + 33, end, parsed.parts);
  if (etag[32] != '-' || error != std::errc() || rest != end || parsed.parts == 0) return std::nullopt;
  return parsed;
}

std::array<std::uint32_t, 3> ExistingObjects::IdentityOf(std::string_view key) {
  const auto digest = s3::Sha256(key);
  std::array<std::uint32_t, 3> identity;
  std::memcpy(identity.data(), digest.data(), sizeof identity);
  return identity;
}

void ExistingObjects::Add(const s3::ListedObject& object) {
  Entry entry{};
  entry.identity = IdentityOf(object.key);
  std::memcpy(entry.size.data(), &object.bytes, sizeof entry.size);
  entry.parts = UINT32_MAX;
  if (!with_etags_) {
    std::memcpy(entry.evidence.data(), &object.modified_s, sizeof object.modified_s);
  } else if (const auto etag = ParseMd5ETag(object.etag)) {
    entry.evidence = etag->md5;
    entry.parts = etag->parts;
  }
  auto& shard = shards_[entry.identity[0] & 0xff];
  if (shard.size() == shard.capacity()) shard.reserve(shard.size() + shard.size() / 10 + 16);
  shard.push_back(entry);
  ++size_;
}

void ExistingObjects::Sort() {
  for (auto& shard : shards_) std::sort(shard.begin(), shard.end());
}

s3::Result<bool> ExistingObjects::List(s3::Client* client, std::string_view prefix,
                                       const std::function<bool(std::uint64_t pages)>& wants_more) {
  std::string continuation;
  for (;;) {
    auto page = ListPage(client, prefix, continuation);
    if (!page) return tl::unexpected(page.error());
    ++pages_;
    for (const auto& object : page->objects) Add(object);
    if (page->truncated && page->next == continuation) {
      return s3::Fail(s3::ErrorKind::kPermanent,
                      "the store's list does not end: it names the same continuation token twice");
    }
    const bool has_ended = !page->truncated;
    if (has_ended || !wants_more(pages_)) {
      Sort();
      return has_ended;
    }
    continuation = std::move(page->next);
  }
}

std::optional<ExistingObject> ExistingObjects::Find(std::string_view key) const {
  Entry wanted{};
  wanted.identity = IdentityOf(key);
  const auto& shard = shards_[wanted.identity[0] & 0xff];
  const auto found = std::lower_bound(shard.begin(), shard.end(), wanted);
  if (found == shard.end() || found->identity != wanted.identity) return std::nullopt;
  ExistingObject object;
  std::memcpy(&object.size_bytes, found->size.data(), sizeof object.size_bytes);
  if (!with_etags_) {
    std::memcpy(&object.modified_s, found->evidence.data(), sizeof object.modified_s);
  } else if (found->parts != UINT32_MAX) {
    object.etag = Md5ETag{found->evidence, found->parts};
  }
  return object;
}

}  // namespace pipeline
