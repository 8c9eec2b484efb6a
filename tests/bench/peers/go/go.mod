module thaw-bench

go 1.24
