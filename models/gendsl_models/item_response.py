"""Item response theory with one parameter for each question: the Rasch model."""

import gendsl as gd

__all__ = ["item_response"]


def item_response() -> gd.Model:
    """The probability that a student answers a question correctly; one row for each answer.

        mean_student_ability ~ Normal(0.75, 1)
        centered_student_ability[s] ~ Normal(0, 1); question_difficulty[q] ~ Normal(0, 1)
        correct[n] ~ Bernoulli(logits = mean_student_ability + centered_student_ability[student_ids[n]]
                                        - question_difficulty[question_ids[n]])

    Data, all (answer): student_ids and question_ids, indices from 0; correct, 0 or 1.

    Reference:
        Inference Gym, ItemResponseTheory |
        https://github.com/tensorflow/probability/tree/main/spinoffs/inference_gym
    """
    m = gd.Model("item_response")
    student, question, answer = m.plate("student"), m.plate("question"), m.plate("answer")
    students = m.data("student_ids", dims=answer, indexes=student)
    questions = m.data("question_ids", dims=answer, indexes=question)
    mean = m.latent("mean_student_ability", gd.Normal(0.75, 1))
    ability = m.latent("centered_student_ability", gd.Normal(0, 1), dims=student)
    difficulty = m.latent("question_difficulty", gd.Normal(0, 1), dims=question)
    logits = mean + ability[students] - difficulty[questions]
    m.observe("correct", gd.Bernoulli(logits=logits), dims=answer)
    return m
