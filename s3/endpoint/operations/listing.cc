#include "s3/endpoint/operations/listing.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <ctime>

#include "s3/base/text.h"

namespace s3::endpoint {
namespace {

constexpr int kMaxKeys = 1000;

int MaxKeys(const Call& call) {
  const auto text = call.FindQuery("max-keys").value_or("");
  int value = kMaxKeys;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::clamp(value, 0, kMaxKeys);
}

struct Page {
  std::string contents, common_prefixes;
  int count = 0;
  bool truncated = false;
  std::string last;  // the last key or common prefix of the page
};

// Returns a text that sorts after all keys that begin with `prefix`, because the byte 0xFF never occurs in
// UTF-8. If a key is not UTF-8 and has these bytes after the prefix, the prefix is listed twice.
std::string PastPrefix(const std::string& prefix) { return prefix + std::string(16, '\xff'); }

Page CollectPage(const Store& store, const Call& call, std::string after, const auto& encode) {
  const auto prefix = call.FindQuery("prefix").value_or("");
  const auto delimiter = call.FindQuery("delimiter").value_or("");
  const int max_keys = MaxKeys(call);
  Page page;
  while (auto next = store.Next(call.bucket, prefix, after)) {
    if (page.count == max_keys) {
      page.truncated = max_keys > 0;
      break;
    }
    const auto& [key, info] = *next;
    const auto cut = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
    if (cut == std::string::npos) {
      page.contents += fmt::format(
          "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size>"
          "<StorageClass>STANDARD</StorageClass></Contents>",
          encode(key), IsoDate(info.last_modified), info.etag, info.size_bytes);
      after = page.last = key;
    } else {
      page.last = key.substr(0, cut + delimiter.size());
      page.common_prefixes +=
          fmt::format("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", encode(page.last));
      after = PastPrefix(page.last);
    }
    ++page.count;
  }
  return page;
}

}  // namespace

std::string IsoDate(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S.000Z}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

Reply ListBuckets(const Store& store) {
  Reply reply;
  reply.headers.push_back({"content-type", "application/xml"});
  reply.body =
      "<?xml version=\"1.0\" "
      "encoding=\"UTF-8\"?>\n<ListAllMyBucketsResult><Owner><ID>s3flow</ID></Owner><Buckets>";
  for (const auto& name : store.Buckets()) {
    reply.body +=
        fmt::format("<Bucket><Name>{}</Name><CreationDate>2000-01-01T00:00:00.000Z</CreationDate></Bucket>",
                    XmlEscape(name));
  }
  reply.body += "</Buckets></ListAllMyBucketsResult>";
  return reply;
}

Reply ListObjects(const Store& store, const Call& call) {
  const bool v2 = call.operation == "ListObjectsV2";
  const bool url = call.FindQuery("encoding-type") == "url";
  const auto encode = [url](std::string_view text) { return url ? UriEncode(text, true) : XmlEscape(text); };
  const auto query = [&](std::string_view name) { return call.FindQuery(name).value_or(""); };

  std::string after = v2 ? query("start-after") : query("marker");
  if (const auto token = call.FindQuery("continuation-token")) {
    const auto decoded = Base64Decode(*token);
    if (!decoded) return ErrorReply(400, "InvalidArgument", "The continuation token provided is incorrect");
    after = *decoded;
  }
  const auto delimiter = query("delimiter");
  if (!delimiter.empty() && after.ends_with(delimiter)) after = PastPrefix(after);
  const Page page = CollectPage(store, call, after, encode);

  Reply reply;
  reply.headers.push_back({"content-type", "application/xml"});
  auto& xml = reply.body;
  xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<Name>{}</Name><Prefix>{}</Prefix><MaxKeys>{}</MaxKeys><IsTruncated>{}</IsTruncated>",
      XmlEscape(call.bucket), encode(query("prefix")), MaxKeys(call), page.truncated);
  if (!delimiter.empty()) xml += fmt::format("<Delimiter>{}</Delimiter>", encode(delimiter));
  if (url) xml += "<EncodingType>url</EncodingType>";
  if (v2) {
    xml += fmt::format("<KeyCount>{}</KeyCount>", page.count);
    if (page.truncated) {
      xml += fmt::format("<NextContinuationToken>{}</NextContinuationToken>", Base64Encode(page.last));
    }
  } else {
    xml += fmt::format("<Marker>{}</Marker>", encode(query("marker")));
    if (page.truncated) xml += fmt::format("<NextMarker>{}</NextMarker>", encode(page.last));
  }
  xml += page.contents + page.common_prefixes + "</ListBucketResult>";
  return reply;
}

}  // namespace s3::endpoint
