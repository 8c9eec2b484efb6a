/* The least an extension can do: binds a port, registers, asks for next. Static and without a library but libc, it
 * is what exec, one listener and two exchanges cost on this machine. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(const char* port) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((unsigned short)atoi(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/* One exchange; the answer's end is not looked for: the platform writes it in one piece. */
static void exchange(int fd, const char* request, char* answer, size_t room) {
  if (write(fd, request, strlen(request)) < 0) exit(1);
  const ssize_t got = read(fd, answer, room - 1);
  if (got <= 0) exit(1);
  answer[got] = '\0';
}

int main(void) {
  const char* api = getenv("AWS_LAMBDA_RUNTIME_API");
  const char* port = getenv("PORT");
  if (api == NULL || port == NULL || strchr(api, ':') == NULL) return 2;

  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const struct sockaddr_in here = loopback(port);
  if (bind(listener, (const struct sockaddr*)&here, sizeof here) != 0 || listen(listener, 128) != 0) return 1;

  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const struct sockaddr_in platform = loopback(strchr(api, ':') + 1);
  if (connect(fd, (const struct sockaddr*)&platform, sizeof platform) != 0) return 1;

  static const char body[] = "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}";
  char text[1024], answer[1024], id[64];
  snprintf(text, sizeof text,
           "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: %s\r\nLambda-Extension-Name: floor\r\n"
           "Content-Length: %zu\r\n\r\n%s",
           api, sizeof body - 1, body);
  exchange(fd, text, answer, sizeof answer);
  const char* found = strstr(answer, "Lambda-Extension-Identifier: ");
  if (found == NULL || sscanf(found + 29, "%63[^\r]", id) != 1) return 1;

  snprintf(text, sizeof text,
           "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: %s\r\nLambda-Extension-Identifier: %s\r\n\r\n",
           api, id);
  exchange(fd, text, answer, sizeof answer);
  return 0;
}
