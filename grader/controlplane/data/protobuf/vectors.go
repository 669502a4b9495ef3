package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"time"
	"unicode/utf8"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"
)

const (
	filledPerKind  = 4
	damagedPerBody = 4
	// The one body of a kind that has every field.
	full = 1
)

// writeVectors writes lines of `BASE64 JSON`: a body and what encoding/json makes of the decoded object; or
// `BASE64 !TEXT` with the decoder's error for a body that was damaged.
func writeVectors(file string, types *runtime.Scheme, kinds []schema.GroupVersionKind) error {
	codec := protobuf.NewSerializer(types, types)
	random := rand.New(rand.NewSource(1))
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	for _, kind := range kinds {
		for i := range filledPerKind {
			body, err := filled(codec, types, kind, random.Int63(), i)
			if err != nil {
				return err
			}
			fmt.Fprintln(packed, vector(codec, body))
			if i == full {
				continue
			}
			for range damagedPerBody {
				if line := vector(codec, damage(body, random)); line != "" {
					fmt.Fprintln(packed, line)
				}
			}
		}
	}
	if err := packed.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}

// filled makes an object of the kind, the first one empty, and encodes it.
func filled(codec runtime.Codec, types *runtime.Scheme, kind schema.GroupVersionKind, seed int64, index int) ([]byte, error) {
	object, err := types.New(kind)
	if err != nil {
		return nil, err
	}
	if index > 0 {
		// One has every field, the others have ever fewer.
		sparse := [filledPerKind]float64{0: 1, full: 0, 2: 0.4, 3: 0.8}[index]
		randfill.NewWithSeed(seed).NilChance(sparse).NumElements(1, min(index, 2)).Funcs(customs()...).Fill(object)
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	var body bytes.Buffer
	err = codec.Encode(object, &body)
	return body.Bytes(), err
}

// customs fills what plain reflection would fill with values that have no JSON form.
func customs() []any {
	schemas := 0
	return []any{
		func(s *string, c randfill.Continue) {
			*s = []string{"", "a", "name", "0.5", "größe", "<\u2028>", "two words", "line\nbreak"}[c.Intn(8)]
		},
		func(f *float64, c randfill.Continue) { *f = float64(c.Intn(2000)-1000) / 8 },
		func(t *metav1.Time, c randfill.Continue) {
			t.Time = time.Unix(c.Int63n(4_000_000_000)-1_000_000_000, 0)
		},
		func(t *metav1.MicroTime, c randfill.Continue) {
			t.Time = time.Unix(c.Int63n(4_000_000_000), c.Int63n(1_000_000)*1000)
		},
		func(q *resource.Quantity, c randfill.Continue) {
			suffix := []string{"", "m", "k", "M", "Ki", "Gi", "n", "e3", "T"}[c.Intn(9)]
			*q = resource.MustParse(fmt.Sprintf("%d%s", c.Intn(100_000)-1000, suffix))
		},
		func(v *intstr.IntOrString, c randfill.Continue) {
			if c.Bool() {
				*v = intstr.FromInt32(c.Int31())
			} else {
				*v = intstr.FromString(c.String(10))
			}
		},
		func(f *metav1.FieldsV1, c randfill.Continue) {
			f.SetRawString(`{"f:metadata":{"f:labels":{".":{},"f:a":{}}}}`)
		},
		func(r *runtime.RawExtension, c randfill.Continue) { r.Raw = anyJSON(c) },
		func(j *apiextensions.JSON, c randfill.Continue) { j.Raw = anyJSON(c) },
		func(s *apiextensions.JSONSchemaPropsOrBool, c randfill.Continue) {
			if s.Allows = c.Bool(); s.Allows {
				c.Fill(&s.Schema)
			}
		},
		func(s *apiextensions.JSONSchemaProps, c randfill.Continue) {
			// Schemas hold schemas in many places: without an end they would never stop growing.
			if schemas++; schemas < 8 {
				c.FillNoCustom(s)
			} else {
				s.Type, s.Description = "object", c.String(10)
			}
		},
	}
}

func anyJSON(c randfill.Continue) []byte {
	texts := []string{`{"b":[1,2.5,"x"],"a":null}`, `"text"`, `[]`, `{}`, `17`, `true`, `{"<&>":"é"}`}
	return []byte(texts[c.Intn(len(texts))])
}

// damage cuts a body short, or changes or repeats some bytes of it.
func damage(body []byte, random *rand.Rand) []byte {
	damaged := bytes.Clone(body)
	switch random.Intn(4) {
	case 0:
		return damaged[:random.Intn(len(damaged))]
	case 1:
		at := random.Intn(len(damaged))
		return append(damaged[:at:at], damaged[max(at-random.Intn(8), 0):]...)
	default:
		for range 1 + random.Intn(2) {
			damaged[random.Intn(len(damaged))] = byte(random.Intn(256))
		}
		return damaged
	}
}

// vector decodes a body; it answers nothing where the outcome is not the decoder's to say.
func vector(codec runtime.Codec, body []byte) string {
	line := base64.StdEncoding.EncodeToString(body) + " "
	object, kind, err := codec.Decode(body, nil, nil)
	switch {
	case err == nil:
		object.GetObjectKind().SetGroupVersionKind(*kind)
		text, err := json.Marshal(object)
		// Some damage makes JSON that nobody can read: bytes that are no text, years of five digits.
		if err != nil || !utf8.Valid(text) || json.Unmarshal(text, object) != nil {
			return ""
		}
		return line + string(text)
	case runtime.IsNotRegisteredError(err) || runtime.IsMissingKind(err) || runtime.IsMissingVersion(err):
		return ""
	default:
		return line + "!" + err.Error()
	}
}
