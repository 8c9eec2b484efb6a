module thaw/bench/start

go 1.25
