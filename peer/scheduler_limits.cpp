// The scheduler's part that holds requests back for limits, and that knows why a download is as fast as it is.

#include <algorithm>
#include <utility>

#include "actors/context.hpp"
#include "peer/scheduler.hpp"

namespace tutti {

// --- limits ---------------------------------------------------------------------------------------------------

void Scheduler::on(const LimitsChanged& changed, Context& context) {
  gate_.set(changed.limits);
  for (auto& [address, source] : sources_)
    for (const DownloadId id : source.lanes) meter(source, id, context);
  open_gate(context);
  for (auto& [address, source] : sources_)
    if (source.hungry) feed(source, context);
}

/// Tells a fetcher whether it has to ask before it requests something of this download.
void Scheduler::meter(Source& source, DownloadId id, Context& context) {
  const bool metered = gate_.concerns(downloads_.at(id).record.group);
  if (metered == source.metered.contains(id)) return;
  context.send(source.fetcher, MeterRequests{id, metered});
  if (metered) {
    source.metered.insert(id);
  } else {
    source.metered.erase(id);
    gate_.forget(source.fetcher.address, id);
  }
}

void Scheduler::on(const RequestWanted& wanted, Context& context) {
  const Source* source = source_of(context.sender());
  if (source == nullptr || !source->metered.contains(wanted.download)) return;
  const DownloadRecord& record = downloads_.at(wanted.download).record;
  gate_.want({context.sender(), wanted.download, record.group, record.wishes.priority, wanted.bytes});
  open_gate(context);
}

void Scheduler::on(const LimitDue&, Context& context) { open_gate(context); }

void Scheduler::open_gate(Context& context) {
  const RequestGate::Opened opened = gate_.open(context.now(), local_day_time(context.wall_time()));
  for (const RequestGate::Wanted& allowed : opened.allowed) {
    const Source& source = sources_.at(allowed.fetcher);
    downloads_.at(allowed.download).picker->excuse(source.peer, context.now());
    context.send(source.fetcher, RequestAllowed{allowed.download, allowed.bytes});
  }
  context.cancel(limit_timer_);
  if (opened.again_after) limit_timer_ = context.after(*opened.again_after, LimitDue{});
  for (const RequestGate::Wanted& allowed : opened.allowed) feed_hungry(allowed.download, context);
}

// --- diagnosis --------------------------------------------------------------------------------------------------

void Scheduler::on(const DiagnoseDownloads& diagnose, Context& context) {
  const std::uint64_t number = ++last_number_;
  Diagnosis& diagnosis = diagnoses_[number];
  diagnosis.asker = {context.sender(), diagnose.command};
  for (const DownloadId id : named(DownloadName{diagnose.group, diagnose.file, {}})) {
    diagnosis.downloads.push_back(facts_of(downloads_.at(id), context));
    if (downloads_.at(id).picker) {
      diagnosis.writing[id] = diagnosis.downloads.size() - 1;
      context.send(verifier_of(id), ReportWriting{id});
    }
    std::size_t source = 0;
    for (const auto& [address, each] : sources_) {
      if (!each.lanes.contains(id)) continue;
      diagnosis.open[{address, id}] = {diagnosis.downloads.size() - 1, source++};
      context.send(each.fetcher, ReportLane{id});
    }
  }
  conclude_diagnoses(context);
}

DownloadFacts Scheduler::facts_of(Download& download, Context& context) {
  DownloadFacts facts;
  const DownloadId id = download.record.id;
  facts.row = download.row(context.now(), peers_of(download));
  facts.limit = gate_.rate(download.record.group, local_day_time(context.wall_time()));
  facts.waits_for_limit = gate_.holds(id);
  facts.sharers_unknown = download.searched && !download.sharers_known;
  if (download.waits_for_turn())
    facts.before_it =
        static_cast<std::uint32_t>(std::count_if(downloads_.begin(), downloads_.end(), [&](const auto& each) {
          const Download& other = each.second;
          return other.waits_for_turn() && other.queued < download.queued;
        }));
  if (!download.picker) return facts;
  for (PieceIndex piece; piece.value < download.layout.piece_count(); ++piece) {
    if (download.pieces().has(piece) || download.picker->availability(piece) > 0) continue;
    ++facts.pieces_without_source;
    constexpr std::size_t ranges_max = 100;
    if (!facts.without_source.empty() && facts.without_source.back().last.value + 1 == piece.value) {
      facts.without_source.back().last = piece;
    } else if (facts.without_source.size() < ranges_max) {
      facts.without_source.push_back({piece, piece});
    }
  }
  for (const auto& each : sources_) {
    const Source& source = each.second;
    if (!source.lanes.contains(id)) continue;
    SourceFacts from;
    const auto sharer = std::find_if(download.sharers.begin(), download.sharers.end(),
                                     [&](const Sharer& named) { return named.client == source.client; });
    if (sharer != download.sharers.end()) from.user = sharer->user;
    from.endpoint = source.endpoint;
    from.bytes_per_second = download.picker->bytes_per_second(source.peer);
    if (!source.ready) {
      from.state = SourceState::unreachable;
      from.since = std::chrono::floor<std::chrono::milliseconds>(context.now() - source.unready_since);
    } else if (!download.picker->knows(source.peer)) {
      from.state = SourceState::admission;
    } else if (!download.picker->interesting(source.peer)) {
      from.state = SourceState::nothing_for_us;
    }
    facts.sources.push_back(std::move(from));
  }
  return facts;
}

void Scheduler::on(const LaneReported& reported, Context& context) {
  for (auto& [number, diagnosis] : diagnoses_) {
    const auto entry = diagnosis.open.extract({context.sender(), reported.download});
    if (!entry) continue;
    const auto [download, source] = entry.mapped();
    SourceFacts& facts = diagnosis.downloads[download].sources[source];
    facts.asked = reported.asked;
    facts.unwritten = reported.unwritten;
    facts.silent = reported.silent;
    facts.way = reported.way;
    facts.sealed_port = reported.sealed_port;
    facts.window = reported.window;
    facts.answers_in = reported.answers_in;
    if (facts.state == SourceState::idle && reported.asked.value > 0) facts.state = SourceState::asked;
  }
  conclude_diagnoses(context);
}

void Scheduler::on(const WritingReported& reported, Context& context) {
  for (auto& [number, diagnosis] : diagnoses_)
    if (const auto entry = diagnosis.writing.extract(reported.download))
      diagnosis.downloads[entry.mapped()].writing = reported.facts;
  conclude_diagnoses(context);
}

/// This fetcher will not answer for this download.
void Scheduler::forget_report(Address fetcher, DownloadId id, Context& context) {
  for (auto& [number, diagnosis] : diagnoses_) diagnosis.open.erase({fetcher, id});
  conclude_diagnoses(context);
}

void Scheduler::conclude_diagnoses(Context& context) {
  std::erase_if(diagnoses_, [&](const auto& each) {
    const Diagnosis& diagnosis = each.second;
    if (!diagnosis.open.empty() || !diagnosis.writing.empty()) return false;
    context.answer(diagnosis.asker.asker, DownloadsDiagnosed{diagnosis.asker.command, diagnosis.downloads});
    return true;
  });
}

}  // namespace tutti
