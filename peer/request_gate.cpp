#include "peer/request_gate.hpp"

#include <algorithm>

namespace tutti {

void RequestGate::want(Wanted wanted) {
  forget(wanted.fetcher, wanted.download);
  waiting_.push_back(std::move(wanted));
}

void RequestGate::forget(Address fetcher, DownloadId download) {
  std::erase_if(waiting_,
                [&](const Wanted& each) { return each.fetcher == fetcher && each.download == download; });
}

void RequestGate::forget(Address fetcher) {
  std::erase_if(waiting_, [&](const Wanted& each) { return each.fetcher == fetcher; });
}

bool RequestGate::holds(DownloadId download) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const Wanted& each) { return each.download == download; });
}

RequestGate::Opened RequestGate::open(Instant now, DayTime day) {
  Opened opened;
  RateLimiter::Round round = limiter_.look(now, day);
  std::vector<DownloadId> held;  // its requests are all of one group: one waits, all wait
  for (;;) {
    std::vector<DownloadId> downloads;
    for (const Wanted& each : waiting_)
      if (std::find(held.begin(), held.end(), each.download) == held.end())
        downloads.push_back(each.download);
    if (downloads.empty()) break;
    const DownloadId next = turns_.order(std::move(downloads)).front();
    const auto first = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const Wanted& each) { return each.download == next; });
    first->bytes = std::min(first->bytes, RateLimiter::portion_at(limiter_.rate(first->group, day)));
    if (!round.pass(first->group, first->bytes)) {
      held.push_back(next);
      continue;
    }
    turns_.served(next, first->bytes.value, weight_of(first->priority));
    opened.allowed.push_back(std::move(*first));
    waiting_.erase(first);
  }
  opened.again_after = round.again_after();
  return opened;
}

}  // namespace tutti
