// The least an extension in Go's own library can do: serves a port with net/http, registers, asks for next.
package main

import (
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

var api = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension/"

func call(method, path, body, header, value string) http.Header {
	request, err := http.NewRequest(method, api+path, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set(header, value)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	answer.Body.Close()
	return answer.Header
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { out.Write([]byte("{}")) }))
	granted := call("POST", "register", `{"events":["INVOKE","SHUTDOWN"]}`, "Lambda-Extension-Name", "go")
	call("GET", "event/next", "", "Lambda-Extension-Identifier", granted.Get("Lambda-Extension-Identifier"))
}
