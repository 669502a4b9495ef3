// Go's own clients against a Kubernetes API: client-go's typed client (which sends protobuf), informers, leader
// election, and an operator made with controller-runtime.
//
// usage: story KUBECONFIG
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/go-logr/logr"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// patience is how long anything may take to happen: a real garbage collector finds new kinds every 30 seconds.
const patience = 60 * time.Second

// story is what all parts share.
type story struct {
	context   context.Context
	config    *rest.Config
	client    kubernetes.Interface
	namespace string
	failed    int
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: story KUBECONFIG")
		os.Exit(2)
	}
	// What the libraries have to say would stand among the checks.
	klog.SetLogger(logr.Discard())
	log.SetLogger(logr.Discard())
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	exitOn(err)
	config.QPS, config.Burst = 1000, 1000
	protobuf := rest.CopyConfig(config)
	protobuf.ContentType = runtime.ContentTypeProtobuf
	protobuf.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(protobuf)
	exitOn(err)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	s := &story{context: ctx, config: config, client: client}

	namespace := &core.Namespace{ObjectMeta: meta.ObjectMeta{GenerateName: "go-client-"}}
	namespace, err = client.CoreV1().Namespaces().Create(ctx, namespace, meta.CreateOptions{})
	exitOn(err)
	s.namespace = namespace.Name

	s.objects()
	s.conflicts()
	s.patches()
	s.apply()
	s.protobufAlone()
	s.informers()
	s.workloads()
	s.election()
	s.operator()

	background := meta.DeletePropagationBackground
	err = client.CoreV1().Namespaces().Delete(ctx, s.namespace, meta.DeleteOptions{PropagationPolicy: &background})
	s.check("the namespace is deleted", err)
	s.eventually("the namespace is gone, with everything in it", func() (bool, error) {
		list, err := client.CoreV1().Namespaces().List(ctx, meta.ListOptions{FieldSelector: "metadata.name=" + s.namespace})
		return err == nil && len(list.Items) == 0, err
	})
	if s.failed > 0 {
		fmt.Printf("%d checks failed\n", s.failed)
		os.Exit(1)
	}
}

// check prints one line: what should be so, and the error if it is not.
func (s *story) check(what string, err error) bool {
	if err != nil {
		s.failed++
		fmt.Printf("FAILED  %s: %v\n", what, err)
		return false
	}
	fmt.Printf("ok      %s\n", what)
	return true
}

// expect checks a fact that something was seen to be.
func (s *story) expect(what string, holds bool, seen any) bool {
	if holds {
		return s.check(what, nil)
	}
	return s.check(what, fmt.Errorf("seen: %v", seen))
}

// eventually waits for a condition, as long as patience lasts.
func (s *story) eventually(what string, condition func() (bool, error)) bool {
	var last error
	err := wait.PollUntilContextTimeout(s.context, 50*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		done, err := condition()
		last = err
		return done, nil
	})
	if err != nil && last != nil {
		err = last
	}
	return s.check(what, err)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
