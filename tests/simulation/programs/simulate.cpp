#include <cstdlib>
#include <iostream>

#include "actors/log.hpp"
#include "tests/simulation/library/simulation.hpp"

using namespace tutti::simulation;

int main(int argc, char** argv) {
  tutti::configure_log("", argc > 3 ? argv[3] : "off");
  const unsigned long first = std::strtoul(argv[1], nullptr, 10);
  const unsigned long count = std::strtoul(argv[2], nullptr, 10);
  int bad = 0;
  for (unsigned long seed = first; seed < first + count; ++seed) {
    const Outcome outcome = Simulation(seed, random_scenario(seed)).run();
    const bool again = count <= 20 && Simulation(seed, random_scenario(seed)).run().hash != outcome.hash;
    if (again) std::cout << "HASH DIFFERS ";
    if (count <= 20 || outcome.violation) {
      std::cout << seed << ": " << outcome.virtual_seconds << " s, " << outcome.deliveries << " deliveries, "
                << outcome.faults << " faults, ack " << outcome.acknowledged;
      if (outcome.violation) {
        ++bad;
        std::cout << " VIOLATION at "
                  << std::chrono::duration<double>(outcome.violation->when.time_since_epoch()).count() << " "
                  << name_of(outcome.violation->invariant) << ": "
                  << outcome.violation->sentence.substr(0, 300);
      }
      std::cout << std::endl;
      if (count == 1)
        for (auto& f : random_scenario(seed).faults) std::cout << "  " << text_of(f) << "\n";
    }
  }
  std::cout << bad << " of " << count << "\n";
}
