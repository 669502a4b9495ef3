//! Lab 01: status conditions.

mod condition;
mod derive;
mod errors;
mod helpers;
mod status_type;
mod write;

use harness::{Scenario, Suite};

pub(crate) static SUITE: Suite = Suite { lab: "lab-01", scenarios: SCENARIOS };

/// What most scenarios have in common: they may be told on a real cluster, and are not told with crashes.
const PLAIN: Scenario = Scenario {
    id: "",
    title: "",
    exercise: 0,
    points: 0,
    story: "",
    rule: "",
    lesson: "",
    crash_consistent: false,
    virtual_time_only: false,
    run: |_| Ok(()),
};

const SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "01.01",
        title: "A new Database says where it stands on the first visit",
        exercise: 1,
        points: 4,
        story: "A user creates a Database; its pods take long to start. Long before they are ready, the status says \
                Ready=False or Unknown and Progressing=True, for the generation that was seen.",
        rule: "Conditions are set on the first visit, even if the answer is Unknown: a missing condition reads as \
               “nobody has looked yet”.",
        lesson: "part-of-the-api",
        crash_consistent: true,
        run: status_type::first_visit,
        ..PLAIN
    },
    Scenario {
        id: "01.02",
        title: "The API keeps one condition of each type",
        exercise: 1,
        points: 3,
        story: "Somebody writes two conditions of the same type into the status of a Database. The API refuses, \
                because the definition of the Database says that conditions are a map keyed by type.",
        rule: "`conditions` has `x-kubernetes-list-type: map` with the key `type`, so that several writers can each \
               own a condition.",
        lesson: "part-of-the-api",
        run: status_type::conditions_are_a_map,
        ..PLAIN
    },
    Scenario {
        id: "01.03",
        title: "observedGeneration follows the spec",
        exercise: 1,
        points: 3,
        story: "A ready Database gets a new image, twice. Each time the status, and each condition in it, soon says \
                that it is about the newest generation; it never falls back and never runs ahead.",
        rule: "`status.observedGeneration` is the `metadata.generation` that the rest of the status is about.",
        lesson: "part-of-the-api",
        run: status_type::observed_generation_follows,
        ..PLAIN
    },
    Scenario {
        id: "01.04",
        title: "A new message does not move lastTransitionTime",
        exercise: 2,
        points: 6,
        story: "Three pods become ready one by one, minutes apart. While Ready is False its lastTransitionTime stays \
                what it was, whatever the message says.",
        rule: "`lastTransitionTime` is when the status of the condition last changed, not when it was last written.",
        lesson: "one-condition-per-type",
        run: helpers::message_does_not_move_time,
        ..PLAIN
    },
    Scenario {
        id: "01.05",
        title: "lastTransitionTime moves when the status does",
        exercise: 2,
        points: 4,
        story: "A Database becomes ready, loses its pods, and becomes ready again, minutes apart. At each change of Ready \
                its lastTransitionTime is the time of that change.",
        rule: "`lastTransitionTime` tells since when the condition has been what it is.",
        lesson: "one-condition-per-type",
        run: helpers::transitions_move_time,
        ..PLAIN
    },
    Scenario {
        id: "01.06",
        title: "Every condition is well-formed and there once, whatever happens",
        exercise: 2,
        points: 5,
        story: "A Database is scaled up and down and its operator is restarted in between. At every moment each \
                condition is there once, with a status, a reason in CamelCase, a message and a time.",
        rule: "A condition has a type, status, reason, message and lastTransitionTime; helpers update an entry in \
               place instead of adding another.",
        lesson: "one-condition-per-type",
        run: helpers::always_well_formed,
        ..PLAIN
    },
    Scenario {
        id: "01.07",
        title: "Ready follows the pods: none, one, all three",
        exercise: 3,
        points: 7,
        story: "A Database of three: no pod is ready for a while, then one, then all. Ready becomes True with the \
                third pod and not before.",
        rule: "Ready is derived from what the StatefulSet reports, not from what the spec wants.",
        lesson: "from-what-is",
        crash_consistent: true,
        run: derive::ready_follows_pods,
        ..PLAIN
    },
    Scenario {
        id: "01.08",
        title: "Scaling from one to three and back to one",
        exercise: 3,
        points: 6,
        story: "A ready Database is scaled to three: it is progressing, and not ready, until all three pods are. Then \
                it is scaled back to one and settles again.",
        rule: "A change of the spec is in progress until what runs is what the spec wants.",
        lesson: "from-what-is",
        crash_consistent: true,
        run: derive::scaling,
        ..PLAIN
    },
    Scenario {
        id: "01.09",
        title: "A lost replica shows at once, and so does its return",
        exercise: 3,
        points: 5,
        story: "One of the pods of a ready Database stops being ready. Within seconds Ready is False; when the pod is \
                back, Ready is True again.",
        rule: "An operator watches what it owns; it does not find out when it next happens to look.",
        lesson: "from-what-is",
        run: derive::lost_replica,
        ..PLAIN
    },
    Scenario {
        id: "01.10",
        title: "A StatefulSet that its controller has not looked at yet proves nothing",
        exercise: 3,
        points: 5,
        story: "A ready Database gets a new image while the StatefulSet controller is slow: for half a minute the \
                StatefulSet's status is about the old pods. In that time Ready is not True for the new generation.",
        rule: "The status of a StatefulSet counts only when its own observedGeneration is its generation.",
        lesson: "from-what-is",
        virtual_time_only: true,
        run: derive::unobserved_stateful_set,
        ..PLAIN
    },
    Scenario {
        id: "01.11",
        title: "Two Databases do not mix",
        exercise: 3,
        points: 4,
        story: "Two Databases with the same name in two namespaces, and one beside the first. The pods of one are not \
                ready: that one says so, the others are ready.",
        rule: "An object is known by namespace and name; nothing about one belongs into the status of another.",
        lesson: "from-what-is",
        run: derive::databases_do_not_mix,
        ..PLAIN
    },
    Scenario {
        id: "01.12",
        title: "The world changes while the operator is down",
        exercise: 3,
        points: 3,
        story: "The operator is killed. Meanwhile a user scales the Database and a pod is lost. When the operator is \
                back, the status is soon right again.",
        rule: "Controllers are level-triggered: the state decides, not the events they happened to see.",
        lesson: "from-what-is",
        run: derive::changes_while_down,
        ..PLAIN
    },
    Scenario {
        id: "01.13",
        title: "Status goes through the status subresource, the spec stays the user's",
        exercise: 4,
        points: 4,
        story: "From creation over scaling to rest, the operator writes the Database only through `/status`.",
        rule: "A controller never writes the spec of its own resource; `/status` exists so that it cannot do so by \
               accident.",
        lesson: "writing-beside-others",
        run: write::only_through_the_subresource,
        ..PLAIN
    },
    Scenario {
        id: "01.14",
        title: "At rest it writes nothing",
        exercise: 4,
        points: 6,
        story: "A Database is ready and nothing changes for ten minutes: no write, and hardly a read. Then the operator \
                is restarted: it looks around and again writes nothing for ten minutes.",
        rule: "Compare before writing. A status written on every visit wakes the operator that wrote it, for ever.",
        lesson: "writing-beside-others",
        virtual_time_only: true,
        run: write::rest,
        ..PLAIN
    },
    Scenario {
        id: "01.15",
        title: "What others write into the status stays",
        exercise: 4,
        points: 4,
        story: "A backup tool adds a condition of its own to the Database. The Database is scaled, loses a pod, \
                recovers: the tool's condition stays as it was written.",
        rule: "A controller owns its own condition types and no others.",
        lesson: "writing-beside-others",
        run: write::foreign_conditions_stay,
        ..PLAIN
    },
    Scenario {
        id: "01.16",
        title: "What changed between reading and writing is not lost",
        exercise: 4,
        points: 5,
        story: "The operator's view of the Database is some seconds old when a pod becomes ready and it writes the \
                status. In those seconds a user edited the spec and a tool added a condition. Neither is lost, and the \
                status ends up about the newest spec.",
        rule: "After a conflict a controller reads again and decides again; it never overwrites blindly.",
        lesson: "writing-beside-others",
        virtual_time_only: true,
        run: write::stale_view,
        ..PLAIN
    },
    Scenario {
        id: "01.17",
        title: "A status that somebody wiped is written again",
        exercise: 4,
        points: 3,
        story: "Somebody empties the status of a ready Database. Soon it is complete again.",
        rule: "Status can be recomputed from the state of the world at any time; losing it loses nothing.",
        lesson: "writing-beside-others",
        run: write::wiped_status,
        ..PLAIN
    },
    Scenario {
        id: "01.18",
        title: "A hundred Databases settle within a budget of writes",
        exercise: 4,
        points: 3,
        story: "A hundred Databases are created at once. All become ready, and the operator needs no more than a \
                dozen status writes for each of them on the way.",
        rule: "Each write costs the API server, and everyone who watches, the same as the last one did.",
        lesson: "writing-beside-others",
        virtual_time_only: true,
        run: write::a_hundred,
        ..PLAIN
    },
    Scenario {
        id: "01.19",
        title: "A quota forbids the StatefulSet, then allows it",
        exercise: 5,
        points: 12,
        story: "A quota forbids StatefulSets in the namespace. The Database says Failed=True with a reason and a message \
                that names the StatefulSet, and Ready is not True. The quota is raised: the Database recovers by itself.",
        rule: "An error that a user can mend belongs where the user looks: into a condition, and out of it again when \
               it is mended.",
        lesson: "failures-that-show",
        virtual_time_only: true,
        run: errors::quota,
        ..PLAIN
    },
    Scenario {
        id: "01.20",
        title: "The API has trouble for three minutes",
        exercise: 5,
        points: 8,
        story: "For three minutes every write of StatefulSets fails while a user scales a ready Database. The operator \
                keeps its conditions, tries again at growing intervals, and is done soon after the trouble ends.",
        rule: "Failures are retried with back-off, and a failed visit does not wipe what earlier visits found out.",
        lesson: "failures-that-show",
        virtual_time_only: true,
        run: errors::api_trouble,
        ..PLAIN
    },
];
