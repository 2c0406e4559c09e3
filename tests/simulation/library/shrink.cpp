#include "tests/simulation/library/shrink.hpp"

#include <algorithm>

#include "tests/simulation/library/told_apart.hpp"

namespace tutti::simulation {

namespace {

template <class T>
bool is_in(const std::vector<T>& items, const T& item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

}  // namespace

Scenario without(Scenario scenario, const LeftOut& left_out) {
  std::vector<std::string> gone = left_out.clients;
  for (std::uint32_t i = 0; i < left_out.trackers && scenario.trackers > 1; ++i)
    gone.push_back("tracker-" + std::to_string(scenario.trackers--));
  std::vector<Fault> faults;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const Fault& fault = scenario.faults[i];
    const bool about_nobody = is_in(gone, fault.who) || is_in(gone, fault.other);
    if (!is_in(left_out.faults, i + 1) && !about_nobody) faults.push_back(fault);
  }
  scenario.faults = std::move(faults);
  const auto is_out = [&](const std::string& client) { return is_in(left_out.clients, client); };
  for (FileSpec& file : scenario.files) {
    std::erase_if(file.sources, is_out);
    std::erase_if(file.leechers, is_out);
    std::erase_if(file.partial, is_out);
  }
  std::erase_if(scenario.files, [&](const FileSpec& file) {
    return is_in(left_out.files, file.name) || file.sources.empty();
  });
  std::erase_if(scenario.clients, [&](const ClientSpec& client) { return is_out(client.name); });
  return scenario;
}

LeftOut shrink(std::uint64_t seed, const Scenario& scenario, Invariant violated, std::size_t tries,
               const std::function<Seams()>& plant) {
  LeftOut best;
  const auto is_enough = [&](LeftOut smaller) {
    if (tries == 0) return false;
    --tries;
    const Outcome outcome = tell_apart(seed, without(scenario, smaller), plant ? plant() : Seams{});
    if (!outcome.violation || outcome.violation->invariant != violated) return false;
    best = std::move(smaller);
    return true;
  };
  for (bool goes_on = true; goes_on && tries > 0;) {
    goes_on = false;
    // Many at once first: most of a story has nothing to do with what goes wrong in it.
    for (std::size_t size = scenario.faults.size(); size > 0; size /= 2) {
      for (std::size_t first = 1; first <= scenario.faults.size(); first += size) {
        LeftOut smaller = best;
        for (std::size_t i = first; i < first + size && i <= scenario.faults.size(); ++i)
          if (!is_in(best.faults, i)) smaller.faults.push_back(i);
        if (smaller.faults.size() > best.faults.size() && is_enough(std::move(smaller))) goes_on = true;
      }
    }
    for (const FileSpec& file : scenario.files) {
      LeftOut smaller = best;
      smaller.files.push_back(file.name);
      if (!is_in(best.files, file.name) && is_enough(std::move(smaller))) goes_on = true;
    }
    for (const ClientSpec& client : scenario.clients) {
      LeftOut smaller = best;
      smaller.clients.push_back(client.name);
      if (!is_in(best.clients, client.name) && is_enough(std::move(smaller))) goes_on = true;
    }
    LeftOut smaller = best;
    if (++smaller.trackers < scenario.trackers && is_enough(std::move(smaller))) goes_on = true;
  }
  std::sort(best.faults.begin(), best.faults.end());
  return best;
}

}  // namespace tutti::simulation
