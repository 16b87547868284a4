// Makes damaged texts, for tests of parsers that read untrusted bytes.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/support.h"

namespace test {

inline int Rounds() {
  const char* rounds = std::getenv("S3FLOW_FUZZ_ROUNDS");
  return rounds != nullptr ? std::atoi(rounds) : 20'000;
}

class Mutator {
 public:
  // Returns a seed text with pieces cut, doubled, replaced or joined with another seed text.
  std::string Next(const std::vector<std::string>& seeds) {
    std::string text = seeds[random_() % seeds.size()];
    for (auto edits = random_() % 6; edits > 0; --edits) {
      const auto at = random_() % (text.size() + 1);
      switch (random_() % 5) {
        case 0: text.erase(at, random_() % 8); break;
        case 1: text.insert(at, 1, static_cast<char>(random_())); break;
        case 2: text.insert(at, text.substr(at, random_() % 40)); break;
        case 3: text.insert(at, seeds[random_() % seeds.size()].substr(0, random_() % 60)); break;
        default:
          if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << (random_() % 8)));
      }
    }
    return text;
  }

 private:
  std::mt19937_64 random_ = SeededRandom();
};

}  // namespace test
