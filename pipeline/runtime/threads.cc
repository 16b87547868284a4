#include "pipeline/runtime/threads.h"

#include <pthread.h>

#include <future>
#include <vector>

namespace pipeline {

int ThreadsThatStart(int wanted) {
  std::promise<void> all_tried;
  const auto tried = all_tried.get_future().share();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kSlotStackBytes);
  std::vector<pthread_t> started;
  for (pthread_t thread; static_cast<int>(started.size()) < wanted; started.push_back(thread)) {
    const auto wait = [](void* until) -> void* {
      static_cast<const std::shared_future<void>*>(until)->wait();
      return nullptr;
    };
    if (pthread_create(&thread, &attributes, wait, const_cast<std::shared_future<void>*>(&tried)) != 0) break;
  }
  all_tried.set_value();
  for (const auto thread : started) pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  return static_cast<int>(started.size());
}

}  // namespace pipeline
