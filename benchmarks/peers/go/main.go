// An exporter as people write it with client_golang: `peer PAGE PORT` keeps the metrics of a page in a registry, says
// on which port of 127.0.0.1 promhttp serves them, and ends with its standard input.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"unique"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type setter func(labels []string, value float64)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func register(registry *prometheus.Registry, name, help, kind string, labels []string) setter {
	if kind == "counter" {
		family := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		registry.MustRegister(family)
		return func(labels []string, value float64) { family.WithLabelValues(labels...).Add(value) }
	}
	family := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	registry.MustRegister(family)
	return func(labels []string, value float64) { family.WithLabelValues(labels...).Set(value) }
}

// Splits `name{label="value"} 1`. A text that occurs often is kept once, as an exporter would that knows its integrations.
func sample(line string) (name string, labels, values []string, value float64) {
	space := strings.LastIndexByte(line, ' ')
	name, rest, _ := strings.Cut(line[:space], "{")
	for rest != "" && rest != "}" {
		label, quoted, _ := strings.Cut(rest, `="`)
		text, after, _ := strings.Cut(quoted, `"`)
		labels, values = append(labels, label), append(values, unique.Make(text).Value())
		rest = strings.TrimPrefix(after, ",")
	}
	return name, labels, values, must(strconv.ParseFloat(line[space+1:], 64))
}

func read(page io.Reader, registry *prometheus.Registry) {
	var help, kind string
	var set setter // of the family that is being read; nil until its first sample, which has its labels
	lines := bufio.NewScanner(page)
	for lines.Scan() {
		line := lines.Text()
		if strings.Contains(line, `\`) {
			panic("escapes are not read: " + line)
		} else if words := strings.SplitN(line, " ", 4); words[0] != "#" {
			name, labels, values, value := sample(line)
			if set == nil {
				set = register(registry, name, help, kind, labels)
			}
			set(values, value)
		} else if words[1] == "HELP" {
			help = words[3]
		} else {
			kind, set = words[3], nil
		}
	}
}

func main() {
	registry := prometheus.NewRegistry()
	read(must(os.Open(os.Args[1])), registry)
	listener := must(net.Listen("tcp", "127.0.0.1:"+os.Args[2]))
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	go http.Serve(listener, nil)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	io.Copy(io.Discard, os.Stdin)
}
