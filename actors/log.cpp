#include "actors/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "messages/bytes.hpp"

namespace tutti {

namespace {

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink, spdlog::level::level_enum level) {
  auto logger = std::make_shared<spdlog::logger>("tutti", std::move(sink));
  logger->set_level(level);
  logger->flush_on(spdlog::level::info);
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> current =
      make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), spdlog::level::warn);
  return current;
}

std::string escaped(std::string_view line) {
  std::string text;
  text.reserve(line.size());
  for (const char c : line) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f) {
      text += "\\x" + to_hex(ByteView(&byte, 1));
    } else {
      text += c;
    }
  }
  return text;
}

void say(spdlog::level::level_enum level, std::string_view line) {
  if (logger()->should_log(level)) logger()->log(level, "{}", escaped(line));
}

}  // namespace

std::string configure_log(const std::string& path, std::string_view level) {
  constexpr std::array<std::string_view, 6> names{"trace", "debug", "info", "warning", "error", "off"};
  constexpr std::array levels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                              spdlog::level::warn,  spdlog::level::err,   spdlog::level::off};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != level) continue;
    try {
      spdlog::sink_ptr sink;
      if (path.empty()) {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
      } else {
        sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
      }
      logger() = make_logger(std::move(sink), levels[i]);
      return {};
    } catch (const spdlog::spdlog_ex& failure) {
      return "the log file cannot be written: " + std::string(failure.what());
    }
  }
  return "the log level '" + std::string(level) + "' is none of trace, debug, info, warning, error, off";
}

void log_debug(std::string_view line) { say(spdlog::level::debug, line); }
void log_info(std::string_view line) { say(spdlog::level::info, line); }
void log_warning(std::string_view line) { say(spdlog::level::warn, line); }
void log_error(std::string_view line) { say(spdlog::level::err, line); }

}  // namespace tutti
