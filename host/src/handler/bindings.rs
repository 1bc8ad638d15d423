//! Code that wasmtime generates from `sdk/wit`: the types of the contract and the calls in both directions.
//! Nothing is written here by hand.

#![allow(missing_docs, reason = "generated; the documentation stands in sdk/wit/handler.wit")]

wasmtime::component::bindgen!({
    path: "../sdk/wit",
    world: "module",
    imports: {
        "qewd:handler/services.ask": async,
        "qewd:handler/messages.send": async,
        "qewd:handler/messages.push": async,
    },
    exports: { default: async },
});
