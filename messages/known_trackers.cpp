#include "messages/known_trackers.hpp"

#include <algorithm>
#include <utility>

namespace tutti {

namespace {

std::vector<std::string_view> words_of_line(std::string_view line) {
  constexpr std::string_view blanks = " \t\r";
  std::vector<std::string_view> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    if (line.empty() || line.front() == '#') return words;
    words.push_back(line.substr(0, line.find_first_of(blanks)));
    line.remove_prefix(words.back().size());
  }
}

}  // namespace

KnownTrackersRead parse_known_trackers(std::string_view text) {
  KnownTrackersRead read;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = words_of_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    const std::optional<Bytes> key = words.size() == 2 ? from_z85(words[1]) : std::nullopt;
    if (!key || key->size() != LinkKey::size)
      return {{}, "this is no `host:port key`: correct it, or remove the line", line};
    read.trackers.push_back({std::string(words[0]), LinkKey::from(*key), line});
  }
  return read;
}

std::string known_tracker_line(const std::string& endpoint, const LinkKey& key) {
  return endpoint + " " + to_z85(key.view());
}

TrackerTrust::TrackerTrust(const std::vector<TrackerEntry>& trackers, std::string info_path,
                           std::string known_path, const std::vector<KnownTracker>& known)
    : info_path_(std::move(info_path)), known_path_(std::move(known_path)) {
  for (const TrackerEntry& entry : trackers) {
    Expected expected{entry, entry.key, {}, 0};
    const auto met = std::find_if(known.begin(), known.end(), [&](const KnownTracker& each) {
      return each.endpoint == entry.client_endpoint();
    });
    if (!expected.key && met != known.end()) {
      expected.key = met->key;
      expected.known_line = met->line;
    }
    trackers_.push_back(std::move(expected));
  }
}

std::optional<LinkKey> TrackerTrust::key_of(std::uint32_t number) const {
  const Expected& expected = trackers_.at(number - 1);
  return expected.key ? expected.key : expected.claim;
}

std::vector<LinkKey> TrackerTrust::keys_but(std::uint32_t number) const {
  std::vector<LinkKey> keys;
  for (const Expected& each : trackers_) {
    const std::optional<LinkKey> key = key_of(each.entry.number);
    if (key && each.entry.number != number) keys.push_back(*key);
  }
  return keys;
}

TrackerTrust::Verdict TrackerTrust::judge(std::uint32_t number, const LinkKey& told) {
  Expected& expected = trackers_.at(number - 1);
  if (key_of(number) == told) return Verdict::expected;
  if (expected.key) return Verdict::changed;
  expected.claim = told;
  return Verdict::claimed;
}

bool TrackerTrust::met(std::uint32_t number, const LinkKey& proven) {
  Expected& expected = trackers_.at(number - 1);
  if (expected.key || expected.claim != proven) return false;
  expected.key = std::exchange(expected.claim, std::nullopt);
  return true;
}

std::string TrackerTrust::met_sentence(std::uint32_t number) const {
  const Expected& met = trackers_.at(number - 1);
  return "tracker " + std::to_string(number) + " at " + met.entry.client_endpoint() +
         " is met for the first time: its public key is " + to_z85(met.key->view()) +
         ". No other one is taken there from now on; it stands in " + known_path_;
}

std::string TrackerTrust::changed_sentence(std::uint32_t number, const LinkKey& told) const {
  const Expected& expected = trackers_.at(number - 1);
  const TrackerEntry& entry = expected.entry;
  const std::string whose = "tracker " + std::to_string(number) + " at " + entry.client_endpoint();
  const std::string was = to_z85(expected.key->view());
  std::string sentence = whose + " is refused: it shows the public key " + to_z85(told.view()) + " and not " +
                         was + ". Somebody else may pose as it, so nothing is said to it. If it was set up " +
                         "anew, and you know that from whoever runs it, ";
  if (entry.key)
    return sentence + "write the new key into line " + std::to_string(entry.line) + " of " + info_path_;
  sentence += "remove ";
  sentence += expected.known_line == 0 ? "its line" : "line " + std::to_string(expected.known_line);
  return sentence + " (" + entry.client_endpoint() + ") from " + known_path_ + " and start again";
}

}  // namespace tutti
