// Drives a Verilated engine: a source on every input stream, a sink and a monitor on every output stream.
//
//     harness DIRECTORY READY_AFTER_VALID IDLE_CYCLES MAX_CYCLES RESET_AFTER
//
// DIRECTORY holds STREAM.words (the smallest unsigned type that fits, for more than 64 bits several of 32, the least
// significant first) and STREAM.flags (uint8) of every input, and
// STREAM.stall (uint8) of every stream. The words and flags of the outputs are written there, too, and a report to
// standard output. With RESET_AFTER cycles everything begins anew after so many. Cycle for cycle the same as the bench
// of the MyHDL simulator (bench.py).

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "Vengine.h"
#include "ports.h"  // generated: SOURCES and SINKS, the engine's streams

enum Flag : uint8_t { LAST = 1, ERROR = 2 };
constexpr int RESET_CYCLES = 3;

static uint64_t junk(uint64_t cycle, int bits) { return cycle * 0x9E3779B97F4A7C15ULL >> (64 - bits); }

template <class Data>
void set_junk(Data& data, uint64_t cycle, int bits) {
    if constexpr (std::is_integral_v<Data>) {
        data = junk(cycle, bits);
    } else {  // an array of 32 bits each
        const uint64_t pattern = junk(cycle, 64);
        const int parts = sizeof(Data) / sizeof(EData);
        for (int i = 0; i < parts; ++i) data[i] = pattern >> (i % 2 ? 32 : 0);
        if (bits % 32) data[parts - 1] &= (1U << bits % 32) - 1;
    }
}

template <class Data>
bool differ(const Data& first, const Data& second) {
    return std::memcmp(&first, &second, sizeof first);
}

static std::string directory;

template <class T>
std::vector<T> read_file(const std::string& name) {
    std::ifstream file(directory + "/" + name, std::ios::binary | std::ios::ate);
    if (!file) throw std::runtime_error("cannot read " + name);
    std::vector<T> values(file.tellg() / sizeof(T));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(values.data()), values.size() * sizeof(T));
    return values;
}

template <class T>
void write_file(const std::string& name, const std::vector<T>& values) {
    std::ofstream file(directory + "/" + name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    if (!file.flush()) throw std::runtime_error("cannot write " + name);
}

class StallPattern {
  public:
    explicit StallPattern(const std::string& stream) : pattern_(read_file<uint8_t>(stream + ".stall")) {}

    bool next() {
        const bool stalled = pattern_[position_];
        if (++position_ == pattern_.size()) position_ = 0;
        return stalled;
    }

  private:
    std::vector<uint8_t> pattern_;
    size_t position_ = 0;
};

template <class Data>
class Source {
  public:
    Source(const char* name, int bits, Data& data, CData& valid, CData& ready, CData& last)
        : name_(name), bits_(bits), data_(data), valid_(valid), ready_(ready), last_(last),
          words_(read_file<Data>(std::string(name) + ".words")),
          flags_(read_file<uint8_t>(std::string(name) + ".flags")), stall_(name) {}

    void drive(uint64_t cycle) {
        const bool stalled = stall_.next();
        if (left() && !stalled) offering_ = true;
        valid_ = offering_;
        if (offering_) data_ = words_[taken_];
        else set_junk(data_, cycle, bits_);
        last_ = offering_ ? flags_[taken_] & LAST : junk(cycle, 1);
    }

    void reset(uint64_t cycle) {
        valid_ = 1;
        set_junk(data_, cycle, bits_);
        last_ = junk(cycle, 1);
    }

    void sample_reset() {
        if (ready_) violation_ = "ready in reset";
    }

    bool sample() {
        const bool transfer = offering_ && ready_;
        if (transfer) {
            ++taken_;
            offering_ = false;
        }
        return transfer;
    }

    bool stalled() const { return left() && !offering_; }
    const char* name() const { return name_; }
    size_t taken() const { return taken_; }
    const char* violation() const { return violation_; }

  private:
    bool left() const { return taken_ < words_.size(); }

    const char* name_;
    const int bits_;
    Data& data_;
    CData& valid_;
    const CData& ready_;
    CData& last_;
    const std::vector<Data> words_;
    const std::vector<uint8_t> flags_;
    StallPattern stall_;
    size_t taken_ = 0;
    bool offering_ = false;
    const char* violation_ = nullptr;
};

template <class Data>
class Sink {
  public:
    Sink(const char* name, const Data& data, const CData& valid, CData& ready, const CData& last, const CData& error)
        : name_(name), data_(data), valid_(valid), ready_(ready), last_(last), error_(error), stall_(name) {}

    void drive(bool ready_after_valid) {
        const bool stalled = stall_.next();
        will_take_ = !stalled && (held_ || !ready_after_valid);
        ready_ = !will_take_;
    }

    void probe() {
        probed_valid_ = valid_;
        probed_word_ = data_;
        probed_flags_ = flags();
        ready_ = will_take_;
    }

    void reset() { ready_ = 1; }

    void sample_reset() {
        if (valid_) violation_ = "valid in reset";
    }

    bool sample() {
        const Data word = data_;
        const uint8_t flags = this->flags();
        if (valid_ != probed_valid_ || (valid_ && (differ(word, probed_word_) || flags != probed_flags_))) {
            violation_ = "what is offered depends on ready";
        } else if (held_) {
            if (!valid_) violation_ = "valid fell before the transfer";
            else if (differ(word, held_word_)) violation_ = "data changed before the transfer";
            else if (flags != held_flags_) violation_ = "last or error changed before the transfer";
        }
        const bool transfer = valid_ && ready_;
        if (transfer) {
            words_.push_back(word);
            flags_.push_back(flags);
        }
        held_ = valid_ && !ready_;
        held_word_ = word;
        held_flags_ = flags;
        return transfer;
    }

    bool stalled() const { return held_; }
    const char* name() const { return name_; }
    const char* violation() const { return violation_; }

    void write() const {
        write_file(std::string(name_) + ".words", words_);
        write_file(std::string(name_) + ".flags", flags_);
    }

  private:
    uint8_t flags() const { return last_ ? (error_ ? LAST | ERROR : LAST) : 0; }

    const char* name_;
    const Data& data_;
    const CData& valid_;
    CData& ready_;
    const CData& last_;
    const CData& error_;
    StallPattern stall_;
    std::vector<Data> words_;
    std::vector<uint8_t> flags_;
    bool will_take_ = false;
    bool probed_valid_ = false;
    Data probed_word_{};
    uint8_t probed_flags_ = 0;
    bool held_ = false;
    Data held_word_{};
    uint8_t held_flags_ = 0;
    const char* violation_ = nullptr;
};

struct Limits {
    bool ready_after_valid;
    int64_t idle_cycles, max_cycles;
};

// Resets the engine and runs everything; returns whether a stream broke a rule.
static bool run(Vengine& engine, const Limits& limits, bool is_last) {
    const CData no_error = 0;
    auto sources = std::make_tuple(SOURCES);
    auto sinks = std::make_tuple(SINKS);
    const auto each_source = [&](auto action) { std::apply([&](auto&... end) { (action(end), ...); }, sources); };
    const auto each_sink = [&](auto action) { std::apply([&](auto&... end) { (action(end), ...); }, sinks); };

    int64_t cycle = 0, idle = 0, first_input = -1, last_output = -1;
    uint64_t edges = 0;
    bool broken = false;
    const auto settle = [&](int clk) {
        engine.clk = clk;
        engine.eval();
    };
    const auto look_for_violations = [&] {
        each_source([&](auto& source) { broken |= source.violation() != nullptr; });
        each_sink([&](auto& sink) { broken |= sink.violation() != nullptr; });
    };

    engine.rst = 1;
    for (int edge = 0; edge < RESET_CYCLES; ++edge) {
        ++edges;
        each_source([&](auto& source) { source.reset(edges); });
        each_sink([](auto& sink) { sink.reset(); });
        settle(0);
        each_source([](auto& source) { source.sample_reset(); });
        if (edge) each_sink([](auto& sink) { sink.sample_reset(); });
        settle(1);
    }
    engine.rst = 0;
    look_for_violations();

    for (; !broken && idle < limits.idle_cycles && cycle < limits.max_cycles; ++cycle) {
        ++edges;
        each_source([&](auto& source) { source.drive(edges); });
        each_sink([&](auto& sink) { sink.drive(limits.ready_after_valid); });
        settle(0);
        each_sink([](auto& sink) { sink.probe(); });
        settle(0);

        bool input = false, output = false, stalled = false;
        each_source([&](auto& source) { input |= source.sample(), stalled |= source.stalled(); });
        each_sink([&](auto& sink) { output |= sink.sample(), stalled |= sink.stalled(); });
        if (input && first_input < 0) first_input = cycle;
        if (output) last_output = cycle;
        if (input || output) idle = 0;
        else if (!stalled) ++idle;
        look_for_violations();
        settle(1);
    }
    if (!is_last && !broken) return false;

    std::printf("cycles %lld\n", static_cast<long long>(cycle));
    if (first_input >= 0) std::printf("first_input %lld\n", static_cast<long long>(first_input));
    if (last_output >= 0) std::printf("last_output %lld\n", static_cast<long long>(last_output));
    each_source([](auto& source) {
        std::printf("taken %s %zu\n", source.name(), source.taken());
        if (source.violation()) std::printf("violation %s %s\n", source.name(), source.violation());
    });
    each_sink([](auto& sink) {
        if (sink.violation()) std::printf("violation %s %s\n", sink.name(), sink.violation());
        sink.write();
    });
    return broken;
}

int main(int argc, char** argv) {
    if (argc != 6) throw std::invalid_argument("harness DIRECTORY READY_AFTER_VALID IDLE_CYCLES MAX_CYCLES RESET_AFTER");
    directory = argv[1];
    const Limits limits{std::atoi(argv[2]) != 0, std::atoll(argv[3]), std::atoll(argv[4])};
    const int64_t reset_after = std::atoll(argv[5]);

    VerilatedContext context;
    context.randReset(2);  // registers start at random values: what matters must be reset
    context.randSeed(1);
    Vengine engine{&context};
    if (reset_after && run(engine, {limits.ready_after_valid, limits.idle_cycles, reset_after}, false)) return 0;
    run(engine, limits, true);
}
