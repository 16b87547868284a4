// No exception leaves a body: it becomes the object's error.
#pragma once

#include <exception>
#include <new>

#include "pipeline/upload/object.h"

namespace pipeline {

template <typename Work>
void Guarded(Object* object, const Work& work) noexcept {
  const auto fail = [object](const char* message) {
    object->Fail({.kind = s3::ErrorKind::kLocal, .message = message});
  };
  try {
    work();
  } catch (const std::bad_alloc&) {
    fail("out of memory");
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

}  // namespace pipeline
