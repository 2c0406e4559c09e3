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
  std::vector<Fault> faults;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const Fault& fault = scenario.faults[i];
    const bool about_nobody = is_in(left_out.clients, fault.who) || is_in(left_out.clients, fault.other);
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
  const auto still_fails = [&](const LeftOut& smaller) {
    if (tries == 0) return false;
    --tries;
    const Outcome outcome = tell_apart(seed, without(scenario, smaller), plant ? plant() : Seams{});
    return outcome.violation && outcome.violation->invariant == violated;
  };
  for (bool goes_on = true; goes_on && tries > 0;) {
    goes_on = false;
    // Many at once first: most of a story has nothing to do with what goes wrong in it.
    for (std::size_t size = scenario.faults.size(); size > 0; size /= 2) {
      for (std::size_t first = 1; first <= scenario.faults.size(); first += size) {
        LeftOut smaller = best;
        for (std::size_t i = first; i < first + size && i <= scenario.faults.size(); ++i)
          if (!is_in(best.faults, i)) smaller.faults.push_back(i);
        if (smaller.faults.size() == best.faults.size() || !still_fails(smaller)) continue;
        best = std::move(smaller);
        goes_on = true;
      }
    }
    for (const FileSpec& file : scenario.files) {
      LeftOut smaller = best;
      if (is_in(best.files, file.name)) continue;
      smaller.files.push_back(file.name);
      if (!still_fails(smaller)) continue;
      best = std::move(smaller);
      goes_on = true;
    }
    for (const ClientSpec& client : scenario.clients) {
      LeftOut smaller = best;
      if (is_in(best.clients, client.name)) continue;
      smaller.clients.push_back(client.name);
      if (!still_fails(smaller)) continue;
      best = std::move(smaller);
      goes_on = true;
    }
  }
  std::sort(best.faults.begin(), best.faults.end());
  return best;
}

}  // namespace tutti::simulation
