#include "shell/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "messages/peer_peer.hpp"
#include "shell/printable.hpp"

namespace tutti {

namespace {

using Sentences = std::vector<std::string>;

/// A source that owes something is only called silent after that.
constexpr std::chrono::milliseconds silence{1500};

std::string seconds(std::chrono::milliseconds duration) {
  return human_time(std::chrono::floor<std::chrono::seconds>(duration));
}

std::string name_of_peer(const std::string& address, const std::string& user) {
  return user.empty() ? address : fmt::format("{} ({})", address, user);
}

std::string ranges(const std::vector<PieceRange>& all) {
  constexpr std::size_t shown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), shown); ++i) {
    text += i == 0 ? "" : ", ";
    text += all[i].first == all[i].last ? fmt::format("{}", all[i].first.value)
                                        : fmt::format("{} to {}", all[i].first.value, all[i].last.value);
  }
  return all.size() > shown ? text + " and others" : text;
}

std::string of_source(const SourceFacts& source) {
  const std::string peer = name_of_peer(source.endpoint, source.user.text);
  switch (source.state) {
    case SourceState::unreachable:
      return fmt::format("Peer {} cannot be reached, for {} now.", peer, seconds(source.since));
    case SourceState::admission:
      return fmt::format("Peer {} has not let us in yet: it asks a tracker whether you are a member.", peer);
    case SourceState::nothing_for_us: return fmt::format("Peer {} has nothing that is missing here.", peer);
    case SourceState::idle: return fmt::format("Peer {} is not asked for anything now.", peer);
    case SourceState::asked: break;
  }
  if (source.silent >= silence)
    return fmt::format("Peer {} sends nothing for {}, though it is asked for {}.", peer,
                       seconds(source.silent), human_size(source.asked));
  std::string text = fmt::format("Peer {} sends {}.", peer, human_rate(source.bytes_per_second));
  if (source.asked + block_size_max > source.window && source.answers_in.count() > 0)
    text += fmt::format(
        " It is asked for {}, which is as much as may be under way; it answers after {:.1f} ms at best.",
        human_size(source.asked), std::chrono::duration<double, std::milli>(source.answers_in).count());
  return text;
}

/// Why blocks cost more than they have to; empty if they do not.
std::string of_way(const SourceFacts& source) {
  if (source.state != SourceState::asked && source.state != SourceState::idle) return {};
  const std::string peer = name_of_peer(source.endpoint, source.user.text);
  switch (source.way) {
    case BlockWay::sealed: break;
    case BlockWay::curve:
      return fmt::format("Peer {} hands blocks out over its first port only, at about half of the pace.",
                         peer);
    case BlockWay::sealed_unreachable:
      return fmt::format(
          "Port {} of peer {} cannot be reached from here, so blocks come over its first port, at about half "
          "of "
          "the pace: it has to be let in where the first one is.",
          source.sealed_port, peer);
  }
  return {};
}

/// What is true of a download that does not fetch now; empty if it does.
std::string why_at_rest(const DownloadFacts& facts) {
  const DownloadRow& row = facts.row;
  switch (row.phase) {
    case DownloadPhase::complete: return "It is complete.";
    case DownloadPhase::failed: return fmt::format("It has failed: {}.", row.sentence);
    case DownloadPhase::paused: return "It is paused: resume lets it go on.";
    case DownloadPhase::checking:
      return row.sentence.empty()
                 ? std::string("All pieces are here; the SHA-1 of the whole is being verified.")
                 : fmt::format("It {}.", row.sentence);
    case DownloadPhase::finding:
    case DownloadPhase::fetching:
    case DownloadPhase::waiting: break;
  }
  if (facts.before_it)
    return *facts.before_it == 0
               ? "It waits for its turn and is the next."
               : fmt::format("It waits for its turn: {} downloads come before it.", *facts.before_it);
  if (row.phase == DownloadPhase::waiting && row.code != Code::no_peers)
    return fmt::format("It waits: {}.", row.sentence);
  return {};
}

void add_limit(std::optional<std::uint64_t> limit, bool waits, Sentences& sentences) {
  if (!limit) return;
  const std::string rate = human_rate(*limit);
  sentences.push_back(waits ? fmt::format("The limit of {} holds it back now.", rate)
                            : fmt::format("A limit of {} is set.", rate));
}

void add_disk(const DownloadFacts& facts, Sentences& sentences) {
  ByteCount unwritten;
  ByteCount asked;
  for (const SourceFacts& source : facts.sources) {
    unwritten += source.unwritten;
    asked += source.asked;
  }
  if (unwritten.value > 0)
    sentences.push_back(
        fmt::format("{} have come and are being hashed and written, {} % of what is under way.",
                    human_size(unwritten), percent(unwritten, unwritten + asked)));
  if (!facts.writing) return;
  const WritingFacts& writing = *facts.writing;
  constexpr std::uint32_t busy = 80;
  std::string_view verdict;
  if (writing.hashing_percent + writing.writing_percent >= busy)
    verdict = writing.writing_percent > writing.hashing_percent ? ": it waits for the disk"
                                                                : ": it waits for the processor";
  sentences.push_back(
      fmt::format("A block takes {:.1f} ms from coming to being written; of the time {} % go to hashing, {} "
                  "% to the disk{}.",
                  std::chrono::duration<double, std::milli>(writing.block_takes).count(),
                  writing.hashing_percent, writing.writing_percent, verdict));
}

void explain(const DownloadFacts& facts, bool tracker_answers, Sentences& sentences) {
  const DownloadRow& row = facts.row;
  sentences.push_back(fmt::format(
      "{}: {}% of {} are here and verified, {}.", row.path, percent(row.verified, row.size),
      human_size(row.size),
      row.bytes_per_second > 0 ? human_rate(row.bytes_per_second) + " come" : std::string("nothing comes")));
  if (const std::string rest = why_at_rest(facts); !rest.empty()) return sentences.push_back(rest);
  if (!tracker_answers) {
    sentences.emplace_back("No tracker answers: nobody new who shares it is found.");
  } else if (facts.sharers_unknown) {
    sentences.emplace_back("The trackers have not said who shares it.");
  }
  if (facts.sources.empty()) {
    sentences.emplace_back("Nobody else who shares it is known to be online.");
  } else if (facts.pieces_without_source > 0) {
    sentences.push_back(fmt::format("There is no source for {} {}.",
                                    facts.pieces_without_source == 1 ? "piece" : "pieces",
                                    ranges(facts.without_source)));
  }
  add_limit(facts.limit, facts.waits_for_limit, sentences);
  for (const SourceFacts& source : facts.sources) {
    sentences.push_back(of_source(source));
    if (std::string way = of_way(source); !way.empty()) sentences.push_back(std::move(way));
  }
  add_disk(facts, sentences);
}

void explain(const ShareFacts& facts, const DiagnosisReport& report, Sentences& sentences) {
  if (facts.pieces_served == facts.pieces) {
    sentences.emplace_back("You share all of it.");
  } else {
    sentences.push_back(fmt::format("You share {} of {} pieces.", facts.pieces_served, facts.pieces));
  }
  if (!report.tracker_answers) sentences.emplace_back("No tracker answers: nobody new finds it here.");
  if (facts.leechers.empty()) return sentences.emplace_back("Nobody asks for it."), void();
  add_limit(facts.limit, facts.waits_for_limit, sentences);
  for (const LeecherFacts& leecher : facts.leechers) {
    const std::string peer = name_of_peer(leecher.address, report.user_of(leecher.client));
    if (!leecher.admitted) {
      sentences.push_back(fmt::format("Peer {} waits until a tracker says whether it is a member's.", peer));
    } else if (leecher.requests == 0 && leecher.bytes_per_second == 0) {
      sentences.push_back(fmt::format("Peer {} has it open and asks for nothing.", peer));
    } else {
      sentences.push_back(
          fmt::format("Peer {} is sent {}; {} of its requests wait, {} are on their way to it.", peer,
                      human_rate(leecher.bytes_per_second), leecher.requests, human_size(leecher.untaken)));
      if (!leecher.sealed)
        sentences.push_back(fmt::format(
            "Peer {} has not come in at your second port, so blocks go to it over the first one, at about "
            "half of the pace.",
            peer));
    }
  }
}

}  // namespace

std::vector<std::string> sentences_of(const DiagnosisReport& report) {
  Sentences sentences;
  for (const DownloadFacts& download : report.downloads) explain(download, report.tracker_answers, sentences);
  if (report.share) explain(*report.share, report, sentences);
  return sentences;
}

}  // namespace tutti
