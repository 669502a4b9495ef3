package main

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	certificates "k8s.io/api/certificates/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Types with a protobuf or JSON form of their own, under the names that the table gives them.
var special = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():               "time",
	reflect.TypeFor[metav1.MicroTime]():          "microtime",
	reflect.TypeFor[metav1.FieldsV1]():           "json:FieldsV1",
	reflect.TypeFor[runtime.RawExtension]():      "json:RawExtension",
	reflect.TypeFor[apiextensions.JSON]():        "json:JSON",
	reflect.TypeFor[resource.Quantity]():         "quantity",
	reflect.TypeFor[intstr.IntOrString]():        "intorstring",
	reflect.TypeFor[metav1.Verbs]():              "strings",
	reflect.TypeFor[authentication.ExtraValue](): "strings",
	reflect.TypeFor[authorization.ExtraValue]():  "strings",
	reflect.TypeFor[certificates.ExtraValue]():   "strings",
}

// Messages whose JSON is that of one of their fields.
var choices = []reflect.Type{
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrArray](),
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrBool](),
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrStringArray](),
}

// table has the fields of messages, under the short names of the messages, e.g. core.v1.Container.
type table map[string][]string

// add describes a struct and everything below it.
func (t table) add(message reflect.Type) {
	name := messageName(message)
	if slices.Contains(choices, message) {
		name += " choice"
	}
	if _, known := t[name]; known {
		return
	}
	t[name] = nil
	fields := map[int]string{}
	for i := range message.NumField() {
		field := message.Field(i)
		tag := strings.Split(field.Tag.Get("protobuf"), ",")
		if len(tag) < 2 {
			// TypeMeta: the envelope has it.
			if field.Name != "TypeMeta" {
				panic(name + "." + field.Name + " has no protobuf number")
			}
			continue
		}
		number, err := strconv.Atoi(tag[1])
		if err != nil || fields[number] != "" {
			panic(name + "." + field.Name + " has a bad protobuf number")
		}
		json, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if json == "" && options == "inline" {
			json = "."
		}
		if slices.Contains(choices, message) {
			json = field.Name
		}
		if json == "" || json == "-" {
			panic(name + "." + field.Name + " has no JSON name")
		}
		line := fmt.Sprintf("%d %s %s", number, json, t.typeText(field.Type))
		if strings.ToUpper(json[:1])+json[1:] != field.Name {
			line += " " + field.Name
		}
		fields[number] = line
	}
	numbers := make([]int, 0, len(fields))
	for number := range fields {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		t[name] = append(t[name], fields[number])
	}
}

// typeText is the type of a value in the notation of the table.
func (t table) typeText(value reflect.Type) string {
	if text, known := special[value]; known {
		return text
	}
	switch value.Kind() {
	case reflect.Pointer:
		return t.typeText(value.Elem())
	case reflect.Slice:
		if value.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + t.typeText(value.Elem())
	case reflect.Map:
		return "map:" + t.typeText(value.Elem())
	case reflect.Struct:
		t.add(value)
		return "@" + messageName(value)
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
		return value.Kind().String()
	}
	panic("no protobuf form known for " + value.String())
}

// messageName is the short name of a struct, e.g. core.v1.Container.
func messageName(message reflect.Type) string {
	path := strings.Split(message.PkgPath(), "/")
	return strings.Join(path[len(path)-2:], ".") + "." + message.Name()
}

// text is the whole table, sorted by message and number.
func (t table) text() string {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	slices.Sort(names)
	var out strings.Builder
	for _, name := range names {
		out.WriteString(name + "\n")
		for _, line := range t[name] {
			out.WriteString("\t" + line + "\n")
		}
	}
	return out.String()
}
