// Checks and fields that only one key of the schema uses.
#pragma once

#include <string>
#include <vector>

#include "config/field.h"
#include "pipeline/options.h"
#include "s3/endpoint/options.h"
#include "s3/options.h"

namespace config {

MaybeProblem CheckEndpoint(const std::string& text);  // accepts empty text, which is AWS
MaybeProblem CheckRegion(const std::string& text);
MaybeProblem CheckPrefix(const std::string& text);
// Refuses characters that are not allowed in headers and query parameters.
MaybeProblem CheckKeyId(const std::string& text);
// Adds what is wrong with an entry of the section `source`. `earlier`: the entries before it.
void CheckRoot(const Value& item, const pipeline::SourceRoot& root,
               const std::vector<pipeline::SourceRoot>& earlier, std::vector<Problem>* problems);

// Regular expressions of what these checks accept, see Shape. They do not count bytes, and know no address.
inline constexpr char kEndpointPattern[] =
    "(?:[Hh][Tt][Tt][Pp][Ss]?://(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(?::0*[1-9][0-9]{0,4})?/?)?";
inline constexpr char kRegionPattern[] = "[A-Za-z0-9_-]+";
inline constexpr char kKeyIdPattern[] = "[!-+.0-~-]*[\\r\\n]*";
inline constexpr char kBucketPattern[] =
    "(?!(?:[0-9]*\\.){3}[0-9]*$)(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]";
inline constexpr char kKeyPartPattern[] = "[\\s\\S]{0,1024}";

// Accepts "auto" (the proxies of the environment), "none", or a URL, whose user and password are never shown.
Field Proxy(std::string name, s3::ProxyOptions* proxy);
// Accepts "auto" or the name of a store profile.
Field StoreProfileName(std::string name, std::string* target);
// Accepts an age ("30d"), a date or a time; see ParseAge() and ParseTime(). Empty: no limit.
Field Mtime(std::string name, pipeline::MtimeLimit* limit);
// Accepts "continue", "stop", "stop_after: 10" or "stop_above: 5%", as text or as a mapping.
Field OnFailure(std::string name, pipeline::FailureLimit* limit);
// Accepts a mapping such as {put: 0.005, get: 0.0004, gib_month: 0.023}.
Field Prices(std::string name, pipeline::RequestPrices* prices);
// Accepts "1", "2-4", "3-" (the third and all later attempts) or "all".
Field Attempts(std::string name, s3::endpoint::FaultRule* rule);

}  // namespace config
