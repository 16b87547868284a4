// An index of the objects below a prefix, read from the store's list. Memory: 40 to 44 bytes per object.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/api/responses.h"
#include "s3/client/client.h"

namespace pipeline {

// An ETag that has the form of an MD5. With `parts` = 0 it is the MD5 of the object. With `parts` > 0 it is
// the MD5 of the MD5s of the parts. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
struct Md5ETag {
  std::array<std::uint8_t, 16> md5{};
  std::uint32_t parts = 0;

  bool operator==(const Md5ETag&) const = default;
};
// Returns nothing for an ETag of another form.
std::optional<Md5ETag> ParseMd5ETag(std::string_view etag);

struct ExistingObject {
  std::uint64_t size_bytes = 0;
  std::int64_t modified_s = 0;  // seconds since 1970, by the store's clock; 0 if the index keeps ETags
  std::optional<Md5ETag> etag;  // empty if the index keeps times
};

// Thread-safe after List().
class ExistingObjects {
 public:
  // `with_etags`: if true, the index keeps ETags, else times. A comparison needs only one of them.
  explicit ExistingObjects(bool with_etags) : with_etags_(with_etags), shards_(256) {}

  // Reads pages of 1,000 keys until the list ends or `wants_more` returns false. `pages` is the number of
  // pages so far. Returns true when the list has ended. Waits in the client's waiter.
  s3::Result<bool> List(s3::Client* client, std::string_view prefix,
                        const std::function<bool(std::uint64_t pages)>& wants_more);

  std::optional<ExistingObject> Find(std::string_view key) const;
  std::uint64_t size() const { return size_; }
  std::uint64_t pages() const { return pages_; }

 private:
  struct Entry {
    std::array<std::uint32_t, 3> identity;  // 96 bits of the key's SHA-256
    std::uint32_t parts;                    // as in Md5ETag; UINT32_MAX: the ETag is no Md5ETag
    std::array<std::uint32_t, 2> size;
    std::array<std::uint8_t, 16> evidence;  // the MD5 or the time

    bool operator<(const Entry& other) const { return identity < other.identity; }
  };
  static_assert(sizeof(Entry) == 40);

  static std::array<std::uint32_t, 3> IdentityOf(std::string_view key);
  void Add(const s3::ListedObject& object);
  void Sort();

  const bool with_etags_;
  std::vector<std::vector<Entry>> shards_;  // index: a byte of the identity. So growing copies only one shard
  std::uint64_t size_ = 0, pages_ = 0;
};

}  // namespace pipeline
