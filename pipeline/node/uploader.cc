#include "s3flow/uploader.h"

#include <utility>

#include "pipeline/node/engine.h"
#include "pipeline/node/translate.h"

namespace s3flow {

struct Uploader::Impl {
  std::unique_ptr<pipeline::Engine> engine;
};

tl::expected<Uploader, Error> Uploader::Open(const Options& options) {
  auto engine = pipeline::Engine::Open(options);
  if (!engine) return tl::unexpected(pipeline::PublicError(engine.error()));
  return Uploader(std::make_unique<Impl>(Impl{std::move(*engine)}));
}

Uploader::Uploader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Uploader::Uploader(Uploader&&) noexcept = default;
Uploader& Uploader::operator=(Uploader&&) noexcept = default;
Uploader::~Uploader() = default;

void Uploader::Start(std::function<void(UploadResult)> on_result) {
  impl_->engine->Start(std::move(on_result));
}
void Uploader::Submit(Upload upload) { impl_->engine->Submit(std::move(upload)); }
void Uploader::Cancel(const std::string& reason) { impl_->engine->Cancel(reason); }
void Uploader::Wait() const { impl_->engine->Wait(); }
Statistics Uploader::statistics() const { return impl_->engine->statistics(); }

}  // namespace s3flow
