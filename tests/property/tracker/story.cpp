#include "tests/property/tracker/story.hpp"

#include <memory>
#include <vector>

#include "tests/property/tracker/crowd.hpp"

namespace tutti::test {

namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t clients = 6;
constexpr Duration storm = 5s;
constexpr Duration quiet_max = 8s;
// Equal for so long: nothing is under way.
constexpr Duration calm = 300ms;

class Story {
 public:
  Story(const StorySettings& settings, const Seams& seams)
      : settings_(settings), network_(settings.seed, settings.trackers, seams), checker_(network_) {
    for (std::uint8_t i = 1; i <= clients; ++i) {
      crowd_.push_back(std::make_unique<ModelClient>(network_, checker_, i, settings.weather));
      crowd_.back()->succeeded = [this](std::size_t tracker) {
        if (settings_.weather.storms && !calm_ && network_.random().chance(1, 40)) kill(tracker);
      };
    }
  }

  Ending tell() {
    run(1s);
    for (std::uint32_t i = 0; i < settings_.storms && !is_over(); ++i) {
      brew();
      settle();
    }
    for (std::size_t i = 0; i < network_.size(); ++i)
      if (!is_over()) network_.kill(i);
    settle();
    return {checker_.violation(), checker_.acknowledged()};
  }

 private:
  bool is_over() const { return checker_.violation().has_value(); }
  std::size_t some_tracker() { return network_.random().below(network_.size()); }
  std::size_t another(std::size_t tracker) {
    return (tracker + 1 + network_.random().below(network_.size() - 1)) % network_.size();
  }
  Duration between(std::uint64_t least, std::uint64_t most) {
    return std::chrono::milliseconds(least + network_.random().below(most - least));
  }

  void step(bool quiet) {
    network_.step();
    for (const auto& each : crowd_) each->live(quiet);
  }
  void run(Duration time) {
    for (const Instant end = network_.now() + time; network_.now() < end && !is_over();) step(false);
  }

  void brew() {
    for (const Instant end = network_.now() + storm; network_.now() < end && !is_over();) {
      run(between(20, 400));
      happen();
    }
  }

  void happen() {
    const std::size_t a = some_tracker();
    const std::size_t b = another(a);
    const Weather& weather = settings_.weather;
    const std::uint64_t what = network_.random().below(10);
    if (weather.storms && what < 3) cut(a, b);
    if (weather.storms && (what == 3 || what == 4)) kill(a);
    if (weather.storms && what == 5) slow_down(a, b);
    if (weather.truncations && (what == 6 || what == 7)) network_.forget_logs(a);
    if ((weather.wipes || weather.roll_backs) && what == 8) rob(a);
  }

  void cut(std::size_t a, std::size_t b) {
    network_.cut(a, b, network_.random().chance(1, 2));
    network_.schedule(between(50, 4000), [this, a, b] { network_.heal(a, b); });
  }
  void slow_down(std::size_t a, std::size_t b) {
    network_.slow(a, b, between(20, 300));
    network_.schedule(between(100, 1000), [this, a, b] { network_.slow(a, b, 0ms); });
  }
  /// One lives on.
  void kill(std::size_t tracker) {
    std::size_t others = 0;
    for (std::size_t i = 0; i < network_.size(); ++i) others += i != tracker && network_.runs(i) ? 1U : 0U;
    if (others == 0 || !network_.runs(tracker)) return;
    network_.kill(tracker);
    network_.schedule(between(20, 1500), [this, tracker, life = network_.lives(tracker)] {
      // It may have been started since, and be down for another reason.
      if (!network_.runs(tracker) && network_.lives(tracker) == life) network_.start(tracker);
    });
  }
  void mend() {
    for (std::size_t a = 0; a < network_.size(); ++a) {
      for (std::size_t b = a + 1; b < network_.size(); ++b) network_.heal(a, b);
      if (!network_.runs(a)) network_.start(a);
    }
  }
  /// A disk is lost, or an old copy of it put back, while the others are there to ask.
  void rob(std::size_t tracker) {
    calm_ = true;
    mend();
    run(between(700, 1200));
    network_.kill(tracker);
    run(200ms);
    if (is_over()) return;
    const bool wipes = network_.random().chance(1, 2);
    if (settings_.weather.wipes && (wipes || !settings_.weather.roll_backs)) {
      network_.wipe(tracker);
    } else {
      network_.roll_back(tracker, 1 + network_.random().below(30));
    }
    network_.start(tracker);
    const bool is_slow = network_.random().chance(1, 2);
    for (std::size_t i = 0; is_slow && i < network_.size(); ++i)
      if (i != tracker) network_.slow(tracker, i, between(20, 200));
    for (int i = 0; i < 50 && !network_.serves(tracker); ++i) run(100ms);
    mend();
    calm_ = false;
  }

  bool all_are_idle() const {
    for (const auto& each : crowd_)
      if (!each->is_idle()) return false;
    return true;
  }
  void settle() {
    if (is_over()) return;
    calm_ = true;
    mend();
    Instant equal_since = network_.now();
    for (const Instant end = network_.now() + quiet_max; network_.now() < end && !is_over();) {
      step(true);
      if (!checker_.all_are_equal() || !all_are_idle()) equal_since = network_.now();
      if (network_.now() - equal_since > calm) break;
    }
    if (network_.now() - equal_since <= calm)
      checker_.report(Invariant::all_become_equal, "8 s of quiet, and trackers still differ");
    checker_.check_quiet();
    calm_ = false;
  }

  StorySettings settings_;
  Network network_;
  Checker checker_;
  std::vector<std::unique_ptr<ModelClient>> crowd_;
  bool calm_ = false;  // nothing else is broken meanwhile
};

}  // namespace

Ending tell_story(const StorySettings& settings, const Seams& seams) { return Story(settings, seams).tell(); }

}  // namespace tutti::test
