#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "messages/units.hpp"

namespace tutti {

/// `text` with everything that could steer a terminal made visible: control characters (C0, DEL, C1) as \x1b,
/// characters that reverse or hide text (bidi controls, zero width, line separators) as \u202e, bytes that are no
/// UTF-8 as \xff. What others have chosen, such as names and sentences, passes through here before it is shown.
std::string printable(std::string_view text);

/// Columns that printable text takes on a terminal. Needs a UTF-8 locale for what is beyond ASCII.
std::size_t display_width(std::string_view text);

/// How far the cursor is below where printable text begins, at the left edge of a screen, after it: in rows. A character
/// that does not fit into a row goes to the next one whole.
std::size_t rows_down(std::string_view text, std::size_t columns);

/// Printable text as lines of `columns` at the most, broken at blanks, all but the first indented. A word that is longer
/// stays whole. 0 columns: one line.
std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent);

/// `512 KiB`, `1.5 GiB`: two decimals at most, powers of 1024.
std::string human_size(ByteCount size);
/// `12.3 MiB/s`.
std::string human_rate(std::uint64_t bytes_per_second);
/// `7 s`, `3 min 05 s`, `2 h 10 min`, `more than a day`.
std::string human_time(std::chrono::seconds duration);
/// `08:05` of a minute of the day.
std::string time_of_day(std::uint32_t minute);
/// Whole percent, rounded down so that 100 is only said when all is there; 100 of nothing.
unsigned percent(ByteCount done, ByteCount total);

}  // namespace tutti
