//! Code that wasmtime generates from `sdk/wit`: the types of the contract and the calls in both directions.
//! Nothing is written here by hand.

#![allow(missing_docs, reason = "generated; the documentation stands in sdk/wit/handler.wit")]

wasmtime::component::bindgen!({
    path: "../sdk/wit",
    world: "any-module",
    imports: {
        "qewd:handler/services.ask": async,
        "qewd:handler/messages.send": async,
        "qewd:handler/messages.push": async,
        "qewd:handler/documents.count": async,
        "qewd:handler/documents.read": async,
        "qewd:handler/documents.replace": async,
        "qewd:handler/documents.merge": async,
        "qewd:handler/documents.delete": async,
        "qewd:handler/documents.begin": async,
        "qewd:handler/documents.commit": async,
        "qewd:handler/documents.lock": async,
    },
    exports: { default: async },
    ownership: Borrowing { duplicate_if_necessary: true },
});
