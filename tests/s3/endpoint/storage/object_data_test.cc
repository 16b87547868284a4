#include "s3/endpoint/storage/object_data.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <system_error>

#include "tests/support/support.h"

namespace s3::endpoint {
namespace object_data_test {

StoredBytes InMemory(std::string_view text) {
  const auto upload = MakeMemoryUpload();
  upload->Write(text);
  return {upload->Finish(), text.size()};
}

TEST(Join, ReadsAcrossParts) {
  const auto data = Join({InMemory("abc"), InMemory("d"), InMemory("efgh")});
  EXPECT_EQ(data->Read(0, 100), "abcdefgh");
  EXPECT_EQ(data->Read(2, 3), "cde");
  EXPECT_EQ(data->Read(4, 2), "ef");
  EXPECT_EQ(data->Read(8, 1), "");
  EXPECT_EQ(Join({InMemory("a"), {nullptr, 1}}), nullptr) << "discarded";
}

TEST(FileUpload, TheFileIsDeletedWithItsLastReaderAndNeverOverwrites) {
  const test::TempDir directory;
  const auto path = directory / "upload";
  {
    const auto upload = MakeFileUpload(path);
    upload->Write("bytes");
    const auto data = upload->Finish();
    EXPECT_EQ(data->Read(1, 3), "yte");
    EXPECT_EQ(data->path(), path);
    EXPECT_THROW(MakeFileUpload(path), std::system_error);
    EXPECT_EQ(access(path.c_str(), F_OK), 0);
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

}  // namespace object_data_test
}  // namespace s3::endpoint
