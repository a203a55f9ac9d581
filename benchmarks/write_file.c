/* Answers every request with the bytes of one file: what a page costs the kernel, and nobody can go below. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **arguments) {
    if (count != 2) return 2;
    FILE *file = fopen(arguments[1], "rb");
    if (!file || fseek(file, 0, SEEK_END)) return 1;
    long size = ftell(file);
    char *page = malloc(size), head[200], request[4096];
    rewind(file);
    if (!page || fread(page, 1, size, file) != (size_t)size) return 1;
    int head_size = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\nConnection: close\r\n\r\n", size);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listening, (struct sockaddr *)&address, length) || listen(listening, 16)) return 1;
    getsockname(listening, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int client = accept(listening, NULL, NULL);
        if (client < 0 || read(client, request, sizeof request) <= 0) { close(client); continue; }
        if (write(client, head, head_size) == head_size)
            for (long sent = 0, n; sent < size && (n = write(client, page + sent, size - sent)) > 0; sent += n) {}
        shutdown(client, SHUT_WR);
        close(client);
    }
}
