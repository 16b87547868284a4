#include "s3/transport/tls/authorities.h"

#include <unistd.h>

namespace s3 {
namespace {

// The same files, in the same order, as in Go's crypto/x509:
// https://go.dev/src/crypto/x509/root_linux.go
constexpr const char* kFiles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Gentoo, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, Red Hat 6
    "/etc/ssl/ca-bundle.pem",                             // SUSE
    "/etc/pki/tls/cacert.pem",                            // OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Red Hat 7 and newer
    "/etc/ssl/cert.pem",                                  // Alpine
};

}  // namespace

std::string FindAuthorities(std::string_view built_in,
                            const std::function<bool(const std::string&)>& is_readable) {
  if (!built_in.empty() && is_readable(std::string(built_in))) return "";
  for (const auto* file : kFiles) {
    if (is_readable(file)) return file;
  }
  return "";
}

bool IsReadableFile(const std::string& path) { return access(path.c_str(), R_OK) == 0; }

}  // namespace s3
