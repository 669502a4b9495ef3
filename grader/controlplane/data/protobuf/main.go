// Writes protobuf.txt, the numbers and types of the protobuf fields of everything that resources.txt serves, and
// the test vectors of the decoder that reads it: objects of every kind in protobuf beside their JSON.
//
// usage: go run . DATA_FOLDER VECTORS_FILE
package main

import (
	"log"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: go run . DATA_FOLDER VECTORS_FILE")
	}
	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme,
	} {
		check(add(types))
	}
	kinds := served(filepath.Join(os.Args[1], "resources.txt"), types)
	messages := table{}
	// What is no resource: the options of a delete, and what the server answers.
	for _, other := range []any{
		metav1.DeleteOptions{}, metav1.Status{}, metav1.ListMeta{}, metav1.PartialObjectMetadata{},
		metav1.APIVersions{}, metav1.APIGroupList{}, metav1.APIGroup{}, metav1.APIResourceList{},
	} {
		messages.add(reflect.TypeOf(other))
	}
	for _, kind := range kinds {
		object, err := types.New(kind)
		check(err)
		messages.add(reflect.TypeOf(object).Elem())
	}
	check(os.WriteFile(filepath.Join(os.Args[1], "protobuf.txt"), []byte(messages.text()), 0o644))
	check(writeVectors(os.Args[2], types, kinds))
}

// served lists the kinds of the resources and subresources that take a body, each once.
func served(file string, types *runtime.Scheme) (kinds []schema.GroupVersionKind) {
	text, err := os.ReadFile(file)
	check(err)
	seen := map[schema.GroupVersionKind]bool{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		groupVersion := words[0]
		for _, word := range words {
			if of, found := strings.CutPrefix(word, "of="); found {
				groupVersion = of
			}
		}
		version, err := schema.ParseGroupVersion(groupVersion)
		check(err)
		kind := version.WithKind(words[2])
		// The options of exec, proxy and their like are query parameters, never a body.
		if seen[kind] || strings.HasSuffix(kind.Kind, "Options") {
			continue
		}
		seen[kind] = true
		if !types.Recognizes(kind) {
			log.Fatalf("%s is served but has no Go type", kind)
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
