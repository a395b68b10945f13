// A Verilated engine that writes a waveform, in its place: two steps of time a cycle, before and after the clock edge.

#pragma once

#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Trace = VerilatedFstC;
#else
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#endif

class TracedEngine : public Vengine {
  public:
    explicit TracedEngine(VerilatedContext* context) : Vengine{context} {
        context->traceEverOn(true);
        trace(&trace_, 99);
        trace_.open(std::getenv("WAVEFORM"));
    }
    ~TracedEngine() { trace_.close(); }

    void eval() {
        if (!clk) return Vengine::eval();  // more than once a cycle, of which the last counts
        clk = 0;
        trace_.dump(time_++);
        clk = 1;
        Vengine::eval();
        trace_.dump(time_++);
    }

  private:
    Trace trace_;
    uint64_t time_ = 0;
};

#define Vengine TracedEngine
