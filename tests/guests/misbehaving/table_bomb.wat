;; Makes a table longer until the host refuses, and stops there.
;; Written by hand: stable Rust has no way to grow a table.
(component
  (import "qewd:handler/types@0.1.0" (instance $types
    (type $kind-type (enum "rest" "message" "service"))
    (export "kind" (type $kind (eq $kind-type)))
    (type $session-type (record
      (field "claims" (list u8))
      (field "secret" (list string))))
    (export "session" (type $session (eq $session-type)))
    (type $request-type (record
      (field "id" string)
      (field "handler" string)
      (field "application" string)
      (field "kind" $kind)
      (field "method" string)
      (field "path" string)
      (field "route" string)
      (field "variables" (list (tuple string string)))
      (field "query" (list (tuple string string)))
      (field "headers" (list (tuple string string)))
      (field "body" (list u8))
      (field "client-address" string)
      (field "session" $session)))
    (export "request" (type (eq $request-type)))
    (type $response-type (record
      (field "status" u16)
      (field "headers" (list (tuple string string)))
      (field "body" (list u8))
      (field "session" (option $session))))
    (export "response" (type (eq $response-type)))
    (type $failure-type (record
      (field "status" u16)
      (field "message" string)
      (field "body" (option (list u8)))))
    (export "failure" (type (eq $failure-type)))
    (type $offer-type (record
      (field "name" string)
      (field "needs" (list string))))
    (export "offer" (type (eq $offer-type)))))
  (alias export $types "request" (type $request))
  (alias export $types "response" (type $response))
  (alias export $types "failure" (type $failure))
  (alias export $types "offer" (type $offer))

  (core module $code
    (memory (export "memory") 1)
    (table $bomb 1 funcref)
    ;; Where the host may put the next thing that it passes in; the first bytes stay zero for `describe`.
    (global $free (mut i32) (i32.const 16))

    ;; Gives room and takes none back: an instance lives for one request only. More than its page traps.
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $place i32)
      (local.set $place
        (i32.and
          (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      (global.set $free (i32.add (local.get $place) (local.get $size)))
      (local.get $place))

    ;; The empty list at address 0: one handler, named after the file.
    (func (export "describe") (result i32)
      (i32.const 0))

    (func (export "handle") (param $request i32) (result i32)
      (loop $longer
        (br_if $longer
          (i32.ne
            (table.grow $bomb (ref.null func) (i32.const 1000))
            (i32.const -1))))
      (unreachable)))

  (core instance $code (instantiate $code))
  (alias core export $code "memory" (core memory $memory))
  (alias core export $code "realloc" (core func $realloc))
  (func $describe (result (list $offer))
    (canon lift (core func $code "describe") (memory $memory)))
  (func $handle (param "request" $request) (result (result $response (error $failure)))
    (canon lift (core func $code "handle") (memory $memory) (realloc $realloc)))
  (instance $handlers
    (export "describe" (func $describe))
    (export "handle" (func $handle)))
  (export "qewd:handler/handlers@0.1.0" (instance $handlers)))
