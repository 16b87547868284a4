// Where the certificate authorities of a system are.
#include "s3/transport/tls/authorities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace s3 {
namespace authorities_test {

constexpr const char* kDebian = "/etc/ssl/certs/ca-certificates.crt";

std::string FindAmong(const std::set<std::string>& files, std::string_view built_in = kDebian) {
  return FindAuthorities(built_in, [&](const std::string& path) { return files.contains(path); });
}

TEST(AuthoritiesTest, ReadableFileOfLibcurlStays) {
  EXPECT_EQ(FindAmong({kDebian, "/etc/ssl/ca-bundle.pem"}), "");
  EXPECT_EQ(FindAmong({"/opt/ca.pem", kDebian}, "/opt/ca.pem"), "");
}

TEST(AuthoritiesTest, FilesOfOtherDistributionsAreFound) {
  for (const auto* file : {"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                           "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    EXPECT_EQ(FindAmong({file}), file);
    EXPECT_EQ(FindAmong({file}, ""), file) << "libcurl was built without a file";
  }
  EXPECT_EQ(FindAmong({kDebian}, "/etc/pki/tls/certs/ca-bundle.crt"), kDebian)
      << "libcurl of Red Hat on Debian";
}

TEST(AuthoritiesTest, WithoutAnyFileTheChoiceOfLibcurlStays) { EXPECT_EQ(FindAmong({}), ""); }

}  // namespace authorities_test
}  // namespace s3
