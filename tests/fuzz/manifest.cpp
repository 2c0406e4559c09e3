// The list of what is in a directory, as a stranger made it. It has one encoding, adds up, and no path leads outside.

#include "peer/manifest.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(manifest) {
  fuzz::Choices choices(input);
  const ByteCount contents{choices.below(1U << 16U)};
  Fault fault;
  const std::optional<Manifest> manifest = Manifest::decode(input, contents, fault);
  ENSURE(manifest.has_value() == fault.empty());
  if (!manifest) return;
  const Bytes encoded = manifest->encode();
  ENSURE(std::equal(encoded.begin(), encoded.end(), input.begin(), input.end()));
  ENSURE(manifest->contents() == contents);
  for (const TreeEntry& entry : manifest->entries()) ENSURE(Manifest::path_fault(entry.path).empty());
  const std::optional<Manifest> again = Manifest::of(manifest->entries());
  ENSURE(again && again->encode() == encoded);
}
