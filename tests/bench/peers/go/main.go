// The same work on Go's net/http: read the body, gunzip it if need be, answer with the header's id.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
)

type header struct {
	EventID string `json:"event_id"`
}

type answer struct {
	ID string `json:"id"`
}

func take(response http.ResponseWriter, request *http.Request) {
	var reader io.Reader = request.Body
	if request.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(request.Body)
		if err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		reader = unzipped
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	var found header
	if err := json.Unmarshal(line, &found); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
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
