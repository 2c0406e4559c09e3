#pragma once

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "actors/injection_host.hpp"
#include "messages/byte_stream.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "peer/orchestra/orch_words.hpp"

namespace tutti::test {

/// A file of five parts of 4 bytes, the last one of 2.
inline std::shared_ptr<const OrchShare> little_share() {
  OrchFile file;
  file.conductor = "10.0.0.1:9999";
  file.name = "small.bin";
  file.size = {18};
  file.part_size = {4};
  for (std::uint8_t part = 0; part < 5; ++part) {
    Sha1 digest;
    digest.bytes.fill(part);
    file.parts.push_back(digest);
  }
  return std::make_shared<const OrchShare>(orch_share(file));
}

inline std::string text_of(const Payload& payload) { return {payload.view().begin(), payload.view().end()}; }

inline Payload payload_of(std::string_view text) { return Payload::own(Bytes(text.begin(), text.end())); }

/// All that was said over a stream, until now.
inline std::string spoken(InjectionHost& host, Address link) {
  std::string text;
  while (const auto said = host.find<StreamBytes>(link)) text += text_of(said->payload);
  return text;
}

}  // namespace tutti::test
