// Prints a recorded trace.

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>

#include "actors/trace_file.hpp"
#include "shell/tools/trace_printer.hpp"
#include "tutti_version.hpp"

int main(int argc, char* argv[]) {
  using namespace tutti;
  constexpr int unreadable = 1;
  constexpr int bad_usage = 2;

  CLI::App app{
      "Prints what a program recorded with --trace FILE or 'trace start FILE'. It holds names\n"
      "of people, groups and files, but no passwords and, unless it is --replayable, no session tokens.\n"
      "Exit status: 0 printed, 1 no such file or no trace, 2 usage.\n",
      "trace_view"};
  std::string path;
  TracePrinting how;
  app.set_version_flag("--version", std::string(version));
  app.add_option("file", path, "The trace")->required();
  app.add_flag("--mermaid", how.mermaid, "Print a Mermaid sequence diagram");
  app.add_option("--filter", how.filter, "Only messages from, to or of something with this in its name")
      ->type_name("NAME");
  app.add_option("--bytes", how.most_bytes, "Shorten longer byte strings to so many bytes")->type_name("N");
  try {
    app.parse(argc, argv);
    TraceReader reader;
    if (const std::string fault = reader.open(path); !fault.empty()) {
      std::cerr << "trace_view: " << fault << '\n';
      return unreadable;
    }
    print_trace(reader, how, std::cout);
    return 0;
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return bad_usage;
  } catch (const std::exception& error) {
    std::cerr << "trace_view: " << error.what() << '\n';
    return unreadable;
  }
}
