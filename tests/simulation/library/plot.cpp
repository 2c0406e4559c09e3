#include "tests/simulation/library/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace tutti::simulation {

namespace {

struct Curve {
  std::string name;
  std::string unit;
  std::vector<double> values;
  double most = 0;
};

std::vector<Curve> curves_of(const Outcome& outcome) {
  std::vector<Curve> curves{{"pieces verified", "% of all", {}, 100},
                            {"copies from the first source", "", {}, 0}};
  const std::size_t trackers = outcome.timeline.empty() ? 0 : outcome.timeline.front().lags.size();
  for (std::size_t i = 0; i < trackers; ++i)
    curves.push_back({fmt::format("tracker {} lags by", i + 1), "deltas", {}, 0});
  for (const Sample& sample : outcome.timeline) {
    const auto all = static_cast<double>(std::max<std::uint64_t>(outcome.pieces, 1));
    curves[0].values.push_back(std::min(100.0, 100.0 * static_cast<double>(sample.pieces) / all));
    curves[1].values.push_back(sample.source_copies);
    for (std::size_t i = 0; i < trackers; ++i)
      curves[2 + i].values.push_back(static_cast<double>(sample.lags[i]));
  }
  for (Curve& curve : curves)
    for (const double value : curve.values) curve.most = std::max(curve.most, value);
  return curves;
}

std::string points_of(const Curve& curve, const Outcome& outcome, double left, double top, double width,
                      double height) {
  std::string points;
  const double end = std::max(outcome.timeline.back().seconds, 1e-9);
  for (std::size_t i = 0; i < curve.values.size(); ++i) {
    const double x = left + width * outcome.timeline[i].seconds / end;
    const double y = top + height - (curve.most > 0 ? height * curve.values[i] / curve.most : 0);
    points += fmt::format("{:.1f},{:.1f} ", x, y);
  }
  return points;
}

}  // namespace

std::string timeline_svg(const std::string& title, const Outcome& outcome) {
  constexpr double left = 60;
  constexpr double width = 720;
  constexpr double height = 90;
  constexpr double apart = 130;
  const std::vector<Curve> curves = curves_of(outcome);
  const double bottom = 50 + apart * static_cast<double>(curves.size());
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"820\" height=\"{0:.0f}\" viewBox=\"0 0 820 "
      "{0:.0f}\" "
      "font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"{1}\" y=\"24\" font-size=\"16\">{2}</text>\n",
      bottom + 20, left, title);
  if (outcome.timeline.empty()) return svg + "</svg>\n";
  double top = 60;
  for (const Curve& curve : curves) {
    svg += fmt::format("<text x=\"{}\" y=\"{}\">{} (to {:.4g} {})</text>\n", left, top - 6, curve.name,
                       curve.most, curve.unit);
    svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#bbb\"/>\n",
                       left, top, width, height);
    svg += fmt::format("<polyline fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"1.5\" points=\"{}\"/>\n",
                       points_of(curve, outcome, left, top, width, height));
    top += apart;
  }
  svg += fmt::format(
      "<text x=\"{}\" y=\"{}\">0 s</text><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{:.1f} s</text>\n", left,
      bottom, left + width, bottom, outcome.timeline.back().seconds);
  return svg + "</svg>\n";
}

std::string timeline_text(const Outcome& outcome, std::size_t columns) {
  static constexpr std::string_view bars = " .:-=+*#%@";
  std::string text;
  if (outcome.timeline.empty()) return text;
  for (const Curve& curve : curves_of(outcome)) {
    text += fmt::format("{:<30}|", curve.name);
    for (std::size_t i = 0; i < columns; ++i) {
      const std::size_t first = i * curve.values.size() / columns;
      const std::size_t last = std::max(first + 1, (i + 1) * curve.values.size() / columns);
      double value = 0;
      for (std::size_t at = first; at < last && at < curve.values.size(); ++at)
        value = std::max(value, curve.values[at]);
      const double share = curve.most > 0 ? value / curve.most : 0;
      const auto level = static_cast<std::size_t>(share * static_cast<double>(bars.size() - 1));
      text += bars[value > 0 ? std::max<std::size_t>(level, 1) : 0];
    }
    text += fmt::format("| to {:.4g} {}\n", curve.most, curve.unit);
  }
  return text + fmt::format("{:<30} 0 s to {:.1f} s\n", "", outcome.timeline.back().seconds);
}

}  // namespace tutti::simulation
