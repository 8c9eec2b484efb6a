// The same work on Go's net/http: read the body, gunzip it if need be, look for the key, read the envelope's headers,
// keep it, answer with its id.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

const mostBytes = 16 << 20 // kept; above it the oldest go

type queue struct {
	mutex  sync.Mutex
	bodies [][]byte
	bytes  int
}

func (kept *queue) add(body []byte) {
	kept.mutex.Lock()
	defer kept.mutex.Unlock()
	kept.bodies = append(kept.bodies, body)
	kept.bytes += len(body)
	for kept.bytes > mostBytes {
		kept.bytes -= len(kept.bodies[0])
		kept.bodies[0] = nil
		kept.bodies = kept.bodies[1:]
	}
}

var kept queue

type header struct {
	EventID string `json:"event_id"`
}

type item struct {
	Type   string `json:"type"`
	Length *int   `json:"length"`
}

type answer struct {
	ID string `json:"id"`
}

// The envelope's header; an error for what is no envelope.
func read(body []byte) (found header, err error) {
	line, rest, _ := bytes.Cut(body, []byte("\n"))
	err = json.Unmarshal(line, &found)
	for err == nil && len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		var next item
		if err = json.Unmarshal(line, &next); err != nil {
			break
		}
		if next.Length == nil {
			_, rest, _ = bytes.Cut(rest, []byte("\n"))
		} else if next.Type == "" || *next.Length > len(rest) {
			err = errors.New("no item")
		} else {
			rest = bytes.TrimPrefix(rest[*next.Length:], []byte("\n"))
		}
	}
	return found, err
}

func hasKey(auth string) bool {
	_, key, found := strings.Cut(auth, "sentry_key=")
	key, _, _ = strings.Cut(key, ",")
	return found && len(key) == 32
}

func body(request *http.Request) ([]byte, error) {
	if request.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(request.Body)
	}
	unzipped, err := gzip.NewReader(request.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unzipped)
}

func take(response http.ResponseWriter, request *http.Request) {
	if !hasKey(request.Header.Get("X-Sentry-Auth")) {
		http.Error(response, "no key", http.StatusForbidden)
		return
	}
	whole, err := body(request)
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	found, err := read(whole)
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	kept.add(whole)
	encoded, _ := json.Marshal(answer{found.EventID})
	response.Header().Set("Content-Type", "application/json")
	response.Write(encoded)
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, http.HandlerFunc(take)))
}
