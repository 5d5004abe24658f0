//! Clocks: which steps of the world's clock are believed, and the machine's own.

use super::machine::{Machine, of_class};
use super::world::{grant, sorted};
use crate::audit::Salts;
use crate::commit::{Clock, SystemClock};
use crate::limits::{CLOCK_BACK_SECONDS, CLOCK_JUMP_SECONDS};
use crate::model::Time;
use crate::target::Class;

#[test]
fn v18_a_clock_is_held_against_the_last_instant_that_was_believed() {
    let (most, back) = (CLOCK_JUMP_SECONDS, CLOCK_BACK_SECONDS);
    // How far the clock is ahead of the steady one at one look after the other, and whether it is believed at the last.
    for (ahead, believed) in [
        (vec![most], true),
        (vec![most + 1], false),
        (vec![-back], true),
        (vec![-back - 1], false),
        (vec![most, 2 * most, 3 * most], true),
        (vec![most, 2 * most + 1], false),
        (vec![most, most - back], true),
        (vec![most, most - back - 1], false),
        (vec![most + 1, 0], true),
        (vec![-1, -2, -3], false),
    ] {
        let only = sorted(vec![grant("ann", "group:a")]);
        let mut salts = Salts::from_seed([1; 32]);
        let mut machine = Machine::new(&[("app", of_class(Class::K0))], &[], &mut salts);
        for ahead in &ahead {
            machine.tick += 10;
            machine.jump = *ahead;
            machine.step();
        }
        machine.core.offer(0, only[0].clone()).expect("a change");
        machine.step();
        assert_eq!(machine.out.len(), usize::from(believed), "{ahead:?}");
    }
}

struct Fixed;

#[async_trait::async_trait]
impl Clock for Fixed {
    fn now(&self) -> Time {
        Time::from_seconds(77)
    }

    async fn sleep(&self, _: u32) {}
}

#[test]
fn the_machine_s_clock_shows_the_time_and_lets_it_pass() {
    assert_eq!(Fixed.tick(), 77, "one that has no steady clock is taken for one");
    // 2024, and a steady clock that begins at the first look.
    assert!(SystemClock.now().seconds() > 1_704_067_200);
    let began = SystemClock.tick();
    assert!((0..1_000_000).contains(&began));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(SystemClock.sleep(2));
    assert!(SystemClock.tick() > began, "{began}");
}
